"""How selling and reporting are phrased, whatever is sold or reported, in all the languages.

A seller writes what «we» can do and «you» could have, in the present and the
conditional, and of «our» wares; a report on a transaction says what was done.
"""

from policy.tokens import word_set

_WE_DO = """
    act advise analyse analyze arrange audit bake bring brew build buy carry clean coach collect connect consult
    convert cook craft create cut deliver design develop digitise do double drive employ equip feature fill fit fix
    focus free fund generate give grow guarantee guide handle host import install insure invest invite keep launch
    lend let list make manage manufacture match monitor move offer optimise optimize organise organize own paint pay
    plan plant prepare print produce promise promote protect provide publish put rank recruit reduce refurbish rent
    repair replace represent roast run save sell serve service set ship show simplify solve source specialise
    specialize sponsor staff stock store streamline supply support teach test train translate transport turn use
    wash work write
"""
_OUR = """
    academy advisers advisors agency agents algorithm app approach audience bakery barista beds beer bikes boutique
    boxes brand brochure bundle cafe café candles chef chefs classes clinic coaches coffee collection community
    concept consultants cooks course courses craftsmen crew customers cream dentists dealers designers developers
    device devices directory engine engineers event experts factory farm fleet flowers fund furniture game garden
    gym handmade hotel instructors jackets kit kitchen knowledge label labs lawyers lessons line machine machines
    magazine masterclass mattress members membership menu method methods models network newest online outlet package
    packages partners photographers plan plans platform plugin portfolio premium prices printers printing process
    producers product products programme program programs property range rates recipes recruiters rental resort
    restaurant robot sale salon sensors seminar service services shoes shop showroom software solution solutions
    specialists spring stand starter store studio stylists subscription suite summer system team technicians
    technology template templates therapists tool tools tours trainers training translators treatments trips villas
    vineyard warehouse webinar wine wines winter workshop workshops writers yoga
"""
_YOU_COULD = """
    you can save | you can try | you can order | you can book | you can win | you could have | you could be | you
    could save | you will love | you'll love | you will save | you'll save | you will get | you'll get | you get |
    you will never | you'll never | you never have | you deserve | you'd love | you might enjoy | if you want | if
    you would like | if you'd like | if you like | if you ever | if you are looking | if you're looking | are you
    looking | looking for a | looking for the | in search of | do you want | do you need | do you know | do you
    still | do you have | want to | want a | want more | wouldn't it be | would it help | why not | ready to | ready
    for | need a | need an | need more | need help with | no more | never again | say goodbye to | forget | ever
    wanted | have you ever | have you tried | have you thought | have you considered | think about | what if | how
    would | how about | how much could | interested in | are you paying | are you using | are you happy | are you
    struggling | are you tired | is your | does your | did you know | still using | still paying | still doing |
    still printing | so you can | so that you | which means you | without having | instead of paying | all you need
    | all in one | everything you need | one place | in one | in minutes | in seconds | in a minute | in two minutes
    | within minutes | in just | in only | with one click | at the touch | at home | from home | at your door | as
    little as | as low as | starting from | per person | per month | a month | a week | a year | each month | per
    seat | per user | a night | a piece | plus vat
"""
_DONE = """
    has been | have been | was sent | was received | was added | was created | was closed | was updated | was
    changed | was removed | was approved | was rejected | was declined | was paid | was moved | was cancelled | was
    canceled | were sent | were added | were updated | we received | we have received | we've received | we have
    sent | we sent | we have updated | we updated | we have added | we have changed | we changed | we have credited
    | we credited | we have refunded | we refunded | we charged | we have charged | we have closed | we closed | we
    have moved | we moved | we have booked | we have fixed | we found that | we noticed a | we could not | we were
    unable | we tried to | you have been | you were | your request was | your request has | you requested | you
    ordered | you booked | you paid | you signed | you registered | you applied | you submitted | you uploaded | you
    reported | you returned | you chose | you asked | you wrote | you sent us | as you | please find | is attached |
    are attached | is ready | is due | is open | is closed | is confirmed | is complete | is available in | is
    scheduled | is scheduled for | is now | will be charged | will be sent | will be delivered | will be closed |
    will be deleted | will be debited | will be transferred | takes place | will take place | starts at | ends at
"""
_SELL_DE = """
    wir bauen | wir bieten | wir bringen | wir drucken | wir entwickeln | wir fertigen | wir finden | wir führen |
    wir gestalten | wir haben uns auf | wir helfen | wir kümmern | wir liefern | wir machen | wir nehmen | wir
    organisieren | wir planen | wir produzieren | wir reinigen | wir richten | wir schulen | wir senken | wir sorgen
    | wir übernehmen | wir übersetzen | wir unterstützen | wir vermieten | wir vermitteln | wir verkaufen | wir
    zeigen | wir schenken | unsere app | unsere kurse | unser kurs | unsere kollektion | unser sortiment | unsere
    produkte | unser produkt | unsere lösung | unser system | unser service | unsere experten | unsere berater |
    unser berater | unsere agentur | unser studio | unser shop | unser laden | unsere preise | unser angebot |
    unsere angebote | unsere werkstatt | unser team | unsere software | unsere plattform | unsere maschine* | unsere
    filiale* | unsere küche | unser koch | unser restaurant | sie sparen | sie erhalten | sie bekommen | sie möchten
    | sie suchen | sie brauchen | suchen sie | brauchen sie | möchten sie | wollen sie | wünschen sie | träumen sie
    | kennen sie | wussten sie | haben sie schon | lust auf | bereit für | schluss mit | nie wieder | endlich | ganz
    einfach | in wenigen minuten | im monat | pro monat | pro person | pro nacht | ab nur | schon ab | einfach und |
    für nur | mit nur
"""
_SELL_FR = """
    nous aidons | nous accompagnons | nous construisons | nous créons | nous fabriquons | nous faisons | nous
    formons | nous gérons | nous imprimons | nous installons | nous livrons | nous louons | nous nettoyons | nous
    offrons | nous organisons | nous produisons | nous proposons | nous recrutons | nous réduisons | nous traduisons
    | nous vendons | notre application | notre atelier | notre boutique | notre collection | notre équipe | notre
    gamme | notre logiciel | notre méthode | notre outil | notre plateforme | notre restaurant | notre service |
    notre solution | notre studio | nos cours | nos experts | nos formations | nos menus | nos produits | nos offres
    | nos prix | nos tarifs | nos vins | vous cherchez | vous souhaitez | vous voulez | vous rêvez | vous économisez
    | vous gagnez | besoin de | envie de | marre de | fini les | prêt à | prêts à | et si vous | pourquoi ne pas |
    saviez-vous | par mois | par personne | la nuit | seulement | dès # | en quelques minutes | en quelques clics |
    sans effort
"""
_SELL_ES = """
    ayudamos a | creamos | diseñamos | entregamos | fabricamos | formamos | gestionamos | hacemos | imprimimos |
    instalamos | limpiamos | llevamos | ofrecemos | organizamos | producimos | regalamos | somos una | traducimos |
    vendemos | nuestra app | nuestra colección | nuestra tienda | nuestra plataforma | nuestra solución | nuestro
    curso | nuestro equipo | nuestro menú | nuestro método | nuestro programa | nuestro servicio | nuestro sistema |
    nuestros cursos | nuestros expertos | nuestros precios | nuestros productos | nuestros vinos | buscas | busca
    usted | necesitas | quieres | quiere ahorrar | sueñas con | te gustaría | le gustaría | por qué no | sabías que
    | al mes | por persona | por noche | desde solo | en pocos minutos | sin esfuerzo | ya puedes | cansado de |
    listo para
"""
_SELL_PT = """
    ajudamos | criamos | entregamos | fabricamos | fazemos | fornecemos | gerenciamos | imprimimos | instalamos |
    limpamos | montamos | oferecemos | organizamos | produzimos | somos uma | traduzimos | vendemos | nossa coleção
    | nossa loja | nossa plataforma | nossa solução | nosso aplicativo | nosso curso | nosso cardápio | nosso método
    | nosso programa | nosso serviço | nosso sistema | nossos cursos | nossos especialistas | nossos preços | nossos
    produtos | nossos vinhos | você procura | procura um | procura uma | precisa de | quer economizar | quer mais |
    quer | sonha com | gostaria de | que tal | por que não | sabia que | por mês | por pessoa | por noite | em
    poucos minutos | sem esforço | cansado de | pronto para
"""
_SELL_IT = """
    aiutiamo | costruiamo | creiamo | consegniamo | facciamo | formiamo | forniamo | gestiamo | installiamo |
    noleggiamo | offriamo | organizziamo | portiamo | produciamo | puliamo | siamo un'azienda | stampiamo |
    traduciamo | vendiamo | la nostra app | la nostra collezione | la nostra piattaforma | la nostra soluzione | il
    nostro corso | il nostro menù | il nostro metodo | il nostro negozio | il nostro programma | il nostro servizio
    | il nostro sistema | i nostri corsi | i nostri esperti | i nostri prezzi | i nostri prodotti | i nostri vini |
    cerchi | cerca un | cerca una | hai bisogno | ha bisogno di | vuoi | vuole risparmiare | sogni | voglia di |
    perché non | lo sapevi | al mese | a notte | in pochi minuti | senza fatica | stanco di | pronto per | pronti
    per
"""
_SELL_NL = """
    wij bieden | wij bouwen | wij brengen | wij drukken | wij helpen | wij installeren | wij leveren | wij maken |
    wij nemen | wij ontwerpen | wij organiseren | wij regelen | wij schilderen | wij verhuren | wij verkopen | wij
    vertalen | wij verzorgen | wij zorgen | we bieden | we bouwen | we helpen | we maken | we regelen | onze app |
    onze collectie | onze cursus* | onze experts | onze machine* | onze menukaart | onze oplossing | onze prijzen |
    onze producten | onze software | onze winkel | onze wijnen | ons programma | ons platform | ons systeem | bent u
    op zoek | op zoek naar | ben je op zoek | heeft u behoefte | wilt u | wil je meer | droom je | zin in | waarom
    niet | wist je dat | per maand | per nacht | in een paar minuten | zonder moeite | klaar voor | nooit meer
"""
_DONE_ELSEWHERE = """
    wurde | wurden | ist eingegangen | ist bereit | haben wir | wir haben | ist erfolgt | wird am | werden am | wird
    abgebucht | findet am | anbei erhalten | erhalten sie anbei | a été | ont été | nous avons reçu | nous avons |
    vous avez commandé | vous avez demandé | sera débité | sera livré | aura lieu | ci-joint la | veuillez trouver |
    ha sido | han sido | se ha | se han | hemos recibido | hemos | ha solicitado | será | tendrá lugar | foi | foram
    | recebemos | você solicitou | será enviado | segue em anexo | è stato | è stata | sono stati | sono state |
    abbiamo ricevuto | abbiamo | ha richiesto | verrà | in allegato | is ontvangen | is verwerkt | is gewijzigd | is
    aangemaakt | hebben wij | wij hebben | we hebben | wordt | werd | worden | bijgevoegd vindt | был | была | было
    | были | мы получили | получен* | выполнен* | создан* | отправлен*
"""


def _each(before: str, words: str) -> str:
    return " | ".join(f"{before} {word}" for word in words.split())


PHRASES = {
    "wares": " | ".join(
        (
            _each("we", _WE_DO),
            _each("we'll", _WE_DO),
            _each("i", "help offer sell build design coach teach write represent supply"),
            _each("our", _OUR),
            *(_SELL_DE, _SELL_FR, _SELL_ES, _SELL_PT, _SELL_IT, _SELL_NL),
        )
    ),
    "could": _YOU_COULD,
    "done": f"{_DONE} | {_DONE_ELSEWHERE}",
}
AMBIGUOUS = ""

# The first word of a sentence that tells the reader to take something.
TAKE = word_set(
    """
    apply ask book browse buy celebrate choose claim come create dare discover double earn
    enjoy enrol enroll experience explore feel find forget get grab grow
    imagine increase invest invite join learn let's listen live lock look make meet order pack pick plan
    play pre-order prepare protect pull put redeem refer relax rent reserve rsvp save say secure
    seize shop sign spend spoil stand start stay stock subscribe surprise swap switch take taste
    test treat try unlock unwrap upgrade visit volunteer vote watch wear win abonnieren bestellen
    bestell buchen buche entdecken entdecke erleben erlebe genießen genieße gewinnen greifen holen hol jetzt kaufen
    kommen komm lassen machen melden mach nutzen nutze probieren probier profitieren reservieren sichern sichere
    schauen schenken sparen spare starten starte teste testen wechseln abonnez achetez appelez changez choisissez
    commandez craquez demandez découvrez essayez faites goûtez inscrivez invitez offrez participez passez profitez
    recevez rejoignez rencontrez réservez testez venez visitez vivez ahorra aprovecha apúntate ven compra conoce
    consigue contrata descarga descubre disfruta elige encuentra gana haz invita llama llámanos llévate pide prueba
    pásate recibe regala regístrate reserva suscríbete solicita únete visita vive aproveite assine baixe chegou
    compre confira conheça convide descubra economize encomende escolha experimente faça ganhe garanta inscreva leve
    ligue mude participe peça receba responda saboreie venha visite viva acquista approfitta assaggia chiama chiedi
    conosci iscriviti ordina partecipa passa prenota prova richiedi ricevi risparmia scarica scegli scopri sfoglia
    torna trova unisciti vieni vinci vivi bekijk bel bespaar bestel bezoek boek doe geniet haal kies kom koop krijg
    laat meld ontdek ontvang pak probeer proef profiteer reserveer schrijf stap verras verwen vraag купите закажите
    попробуйте приходите получите выберите подпишитесь забронируйте узнайте звоните успейте оформите
    """
)
# And to do something about what is going on already.
TEND = word_set(
    """
    accept approve bring change click collect complete confirm contact disregard do don't download enter follow if
    ignore keep log note open paste please print read regards reply reset restart return review revoke sign sorry
    track unfortunately update upload use verify view your bitte leider falls ihre ihr anbei geben prüfen klicken
    merci veuillez malheureusement votre cliquez ci-joint si por favor lamentablemente su tu adjunto seu sua
    infelizmente segue se il la purtroppo gentile in per graag helaas uw je als klik пожалуйста ваш ваша ваше если
    """
)
