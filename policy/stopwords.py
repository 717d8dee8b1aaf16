"""Words that say nothing about the subject: function words, courtesies and mail vocabulary, in eight languages."""

from policy.tokens import word_set

SAID_WITHOUT_MATTER = word_set(
    """
    a about after again all also am an and any are as at be been before being both but by can could did do does
    doing down during each even ever few for from further get gets getting give given go goes going got had has have
    having he her here hers him his how i if in into is it its just know let like ll made make makes many may me
    might mine more most much must my near never new no nor not now of off on once one only or other our ours out
    over own per please put rather re s same say see seem seen send sending sent shall she should since so some soon
    still such sure t take taking than that the their them then there these they thing things this those though
    through till to today tomorrow too two under until up upon us use ve very via want wanted was way we well were
    what when where whether which while who whom why will with within without would yet you your yours yourself it's
    i'm i'd i've i'll you're you'd we're we've we'd that's don't didn't haven't hasn't isn't wasn't can't couldn't
    won't let's there's here's hi hello hey dear good morning afternoon evening thanks thank regards best kind warm
    warmly cheers sincerely greetings team mail email emails message messages note notes inbox wrote write writing
    written reply replied respond response answer hear heard back follow following followed check checking checked
    circle circling touch bump bumping nudge reach reached reaching ping remind reminder last previous earlier
    recent recently week weeks day days month monday tuesday wednesday thursday friday time times moment minute
    minutes hour quick quickly short brief briefly chance look looked looking review share shared think thought
    thoughts question questions happy glad love great helpful help interested interest sense worth open free
    available availability suit suits work works call chat talk speak meeting connect conversation schedule slot
    calendar next right able ask asked asking wondering wonder hope hoping forward busy lot maybe perhaps really
    first second another anything something everything need needs der die das den dem des ein eine einen einem einer
    und oder aber nicht noch nur auch auf aus bei mit nach von vor zu zum zur für über ich sie wir ihr ihnen ihre
    ihren mir mich uns ist sind war habe haben hat hatte wird werden kann können könnte könnten würde würden dass ob
    wenn wie wann wo da sehr mal nochmal hallo guten tag liebe lieber geehrte geehrter frau herr grüße grüßen
    freundlichen viele besten dank danke gern gerne kurz bitte nachricht letzte woche zeit es im als le la les un
    une du de et ou mais ne pas plus que qui dans sur avec pour par ce cette ces mon ma mes votre vos notre nos je
    vous nous il elle est sont ai avez avons été bonjour madame monsieur merci cordialement bien si en au aux se y
    el los las una unos o pero más con por para su sus mi mis usted lo son ha hola buenos días saludos gracias del
    al os um uma e mas não em na nas com seu sua meu minha você ele ela é são olá bom dia obrigado dos gli uno non
    più che di suo mio mia lei noi è sono ho buongiorno saluti grazie della het een maar niet nog ook op uit bij met
    naar van voor te om ik u wij jullie mijn uw ons onze zijn heb hebt heeft dag beste groet groeten bedankt graag
    dat dit er и в во не на я что с со как а то все но да к у же вы за бы по от о из ему мне для мы это вас вам наш
    ваш здравствуйте добрый день
    """
)
