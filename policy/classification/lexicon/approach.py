"""How sellers approach people who did not ask, in phrases free of advertising words, in all the languages."""

PHRASES = {
    "pitch": """
        are you the right | the right person | who at | who looks after | who takes care of | who is responsible |
        who handles | who owns | who leads | someone else handles | somebody else handles | a name would | saw that
        | saw you | saw your | i see that | spotted that | spotted your | stumbled upon | stumbled across |
        congratulations on the | congratulations on your | congrats on the | suggested i | recommended i | gave me
        your name | passed me your | drop you a line | drop you a note | writing because | i'm writing because | the
        reason i | the reason for my | i ask because | i run a | i run partnerships | i lead partnerships | i look
        after | i'm the founder | i am the founder | founder of | account executive | business development | head of
        growth | head of sales | we look after | we placed | we place | we advise | we represent | on behalf of a
        client | my client | our client is | peers | your peers | two of your | firms your size | companies your
        size | teams your size | teams that | firms that | companies we work | insurers we | clinics we | we work
        for | we do for | that is what we do | that's what we do | what we do for | when teams | when companies |
        lots of teams | a lot of teams | a lot of finance | many of our | owners often | leaders tell | people tell
        us | often tell us | tell me that | keep asking | the hard part | the first thing to suffer | usually
        response | we only earn | we only get paid | we're only paid | i put together | i've put together | i
        recorded | i made a | i made you | i wrote down | i drew | i ran a | i checked | ran a check | ran a quick |
        ran an | had a look at your | looked at your | looking at your | looking through your | i was looking at | i
        signed up for | i'm a fan of | big fan of | i enjoyed | mock-up | mockup | one-pager | two-minute video |
        short video | recorded a | what i'd change | what i would change | could be improved | room for improvement
        | without the phone calls | without the | instead of nine | rather than | average | on average | after
        switching | since switching | switched to us | reading the | works with your | integrates with | plugs into
        | your listing | your profile is | complete profiles | is missing | we can take | we could take | leave a
        bottle | leave a sample | pass your door | a client of mine | contribute an | a link to | sponsored |
        sponsor | exhibit* | delegates | attendees | your work would | in confidence | confidential | selling your |
        a buyer | acquisition | valuation of your | your background | your profile caught | caught my eye | caught
        our eye | your experience in | hiring for | would be a good addition | qualified meetings | book more |
        close more | win more | more meetings | more bookings | more pipeline | more demos | in the same shift | in
        half the time | per seat | payroll service | audit logs | feel free to pass | pass my details | better
        placed | has grown from | which normally means | which usually means | it took me # | i tried it | i tried
        your | i tried to | we built a | we've built | we built | put a version live | at no charge to you | no cost
        for | your current vendor | your current supplier | raises prices | moving takes | migrating takes |
        switching takes | lasts twice | works out cheaper | our sales | sales colleague | will contact you this week
        | to present it | by signing you | you order an entry | per year for | our team can help you | a month less
        | less a month | is suitable for | on the spot | in the area again | we're in the area | we are in the area
        | we clean | i design | i design websites | i make websites | i take photos | i film | we film | we
        translate | we write | we recruit | we insure | we lease | we finance | we audit | dedicated account |
        dedicated expert | run it today | run on it | portfolio | your ops | your crm | your stack | your pipeline |
        your funnel | your churn | your inbox | your outreach | your team spends | your people spend | how do you
        currently | how are you currently | what are you using | what do you use for | happy with your | is it a
        priority | on your radar | on your roadmap | top of mind | this quarter | next quarter | before the end of
        the quarter | teams in your | companies in your | founders in | leaders in | other teams | similar companies
        | similar teams | a company like yours | a team like yours | a shop like yours | at your size | of your size
    """,
    "ask": """
        compare notes | worth a chat | worth a look | worth exploring | worth a conversation | open to exploring |
        open to it | open to a | open to learning | would a short | a short conversation | a brief conversation | a
        quick conversation | short walkthrough | set up a | set up time | put some time | find a time | find time |
        find # | carve out | when suits | whenever suits | which day suits | what suits | does thursday | does
        tuesday | does wednesday | does friday | are you around | are you about | do you have ten | do you have
        fifteen | have ten minutes | have fifteen | spare # | spare ten | spare fifteen | could i | could we | may i
        show | may i send | may we | may i leave | may somebody | can i show | can i walk | i can walk you | i'd be
        glad to | i would be glad to | be glad to show | be pleased to show | i'd like to hear | i would like to
        hear | love to hear how | love to show | love to learn | curious how | curious whether | curious if | want
        to see | want me | want to take a look | shall i send | should i send | shall i | would you be open | would
        you be interested | would you mind | would it be | would it help | is it worth | is this something | is that
        something | is this on | who should | point me | could you point | could you tell me how to | just say the
        word | say the word | if you like it | if you'd like a | like a copy | happy to share | happy to work around
        | happy to walk | glad to share | see you in action | in action | come by | stop by | swing by | hall # |
        stand # | booth | reply to have | answer with a | any questions | do you have any | looking forward to
        showing | pencilled in | penciled in | confirm or choose | propose a new time | another time | good idea or
        | good idea? | no cost to you | find twenty | find fifteen | find a quarter | before the end of the month |
        i'm hoping we can | i was hoping we | hoping to connect | love to connect | connect you with | let's connect
        | open for a | up for it | keen to | would you be up | would you like a | want a copy | want the | like me
        to | shall we set | pick a slot | pick a day | choose a time | choose a day | here's my calendar | here is
        my calendar | my calendar | reply and i | reply and we | reply here and | just hit reply | hit reply | can
        send details | i can send | i'll send details | send details | send it over | send over | send you the |
        send you some
    """,
    "chase": """
        i know things get | things get buried | floating this | float this | bringing this | back to the top | to
        the top of | in case you missed | in case this | in case it | any thoughts on | thoughts on my | my note
        from | my earlier note | note from last | i've written | i have written | written a few | written twice |
        haven't heard back | have not heard back | i won't contact | i won't write | i will not write | i'll stop
        writing | stop writing | won't bother | leave it there | i'll leave it | i assume | isn't a priority | not a
        priority | now isn't the | if now | if things change | you know where | where to find me | a chance to watch
        | a chance to read | a chance to look | had a chance to | following up on the | on the below | see below |
        the recording i | checking in to | did my message | did you receive my | did you get my | i wrote on the | i
        wrote earlier | when i wrote | trying again | try again | second attempt | one more try | still interested
        in | is this still | still relevant | circling | in case my | my first email
    """,
    "newsletter": """
        here's what | here is what | what shipped | shipped this | what we learned | what we've been | field notes |
        release notes | version # is | dispatch | the briefing | briefing | chart of the week | what to watch | see
        the roadmap | what we'll be | the full post | on the web | read on | forwarded | forward this | was this
        forwarded | links worth | worth your time | see you next | tip # | email preferences | you are getting this
        | you're getting this | because you signed up | because you subscribed | because you're subscribed | manage
        your email | dear reader | dear readers | a short one today | reply to this letter | this letter | leave the
        list | to leave the list | thanks for reading | until next | until next week | until next time | see you
        next week | in case you missed it | what we're reading | our favourite | our favorite | highlights |
        spotlight | meet the team | behind the scenes | changelog | coming up | upcoming events | save the date |
        book recommendations | i have been thinking about | i've been thinking about | essay | letter # | the letter
        | dear friends of | dear supporters | dear members
    """,
    "event": """
        open day | open house | live session | live conversation | live q | founders | breakfast for | dinner for |
        round table | roundtable | save your spot | can't make it? | send the recording | the recording | no booking
        needed | come and see | demonstrations | show home | rsvp | we're hosting | we are hosting | join us on |
        join us in | join us for | meet us at | we will be at the | the state of | free to download | ebook |
        whitepaper | white paper | report is | on sale monday | on sale now | go on sale | goes on sale | booking
        opens | booking is open | tickets from | doors open | applications close | applications are open | apply by
        | apply: | programme | fellowship | accelerator | cohort | masterclass | bootcamp | course starts | courses
        start | enrolment is open | enrolments | new term | open evening | taster | matinee | exhibition | season
        ticket
    """,
    "survey": """
        how likely | likely are you | recommend us | scale from | scale of | few words about it | leave us a | a
        minute of your | rely on reviews | what do you think of | help us do better | helps us get better | help us
        improve
    """,
    "winback": """
        is this goodbye | haven't seen you | have not seen you | have you back | since you last | last time you |
        it's been # | lot has changed | a lot has happened | keep hearing from us | take you off | where you left
        them | where you left | pick up where | your cart misses | left two things | you haven't ordered | you
        haven't been | you had a look | you looked at | didn't check out | did not check out | your basket is kept |
        your basket is saved | we saved your | still thinking | still thinking about | questions about sizing |
        stopped by | you stopped by | you browsed | you viewed
    """,
    "upsell": """
        teams as big | usually like the | usually move to | usually choose | outgrow* | no limit on | to unlock |
        unlock these | getting the most | get more out of | make your trip | add breakfast | add a | more legroom |
        hire a car | with our partner | our cover | with our cover | take it out | audit logs | priority support |
        people who use | one of our templates | growth plan | get more from | benefits available | you have not used
        | haven't used | would have avoided | enterprise edition | basic edition | premium edition | larger plan |
        bigger plan | upgrade path | more seats | add-on | addon | addons | go further
    """,
    "referral": """
        ambassador* | your followers | share a post | share your link | your code | and a code with | of what they
        spend | creator* | influencer programme | affiliate* | partner programme | become a partner | recommend us
        to | bring a friend | invite a friend
    """,
    "launch": """
        in beta | now in beta | open to everyone | from today | turn it on | switch it on in | try it in | tell us
        how it goes | new this week | new this month | we rebuilt | we've rebuilt | we redesigned | shipped | just
        shipped | rolling out | is live | now live | new shop in | new café | new store | opening | opening party
    """,
    "buy": """
        free guide | free template | free checklist | free course | free tool | in one pdf | get it here | get the
        pdf | get your copy | your copy | download the | download your free | see dates | see the dates | see the
        menu | pick yours | choose yours | you only need to confirm | only need to confirm | basket for you | we put
        together three | get the details
    """,
    "wares": """
        agents draft | an agent that | an assistant that | our agents | our assistant | our scan | our scheduling |
        our press | our chatbot | wir arbeiten für | setzen auf | setzen auf unsere | arbeiten schon damit | darf
        ich ihnen | darf ich sie | hätten sie | haben sie in der | ich würde ihnen | ich würde ihnen gern | auf ihr
        unternehmen | weil sie gerade | viele praxen | viele firmen | betriebe in dieser | in ihrer region |
        nachfassen | meine mail von letzter | wir laden sie | einladung zum | lange nicht mehr | schauen sie doch |
        abmelden können | je me permets | je vous contacte | je vous écris car | je reviens vers vous | mon
        précédent | nous livrons pour | nous travaillons avec | nos clients | en moyenne | auriez-vous | seriez-vous
        | êtes-vous disponible | pour en parler | un échange de | beaucoup de | je serais ravi* | vous montrer |
        votre entreprise | votre équipe | votre secteur | ce mois-ci | ne plus recevoir | inscrivez-vous | vous
        invitons | qui devraient vous plaire | he visto que | le escribí | le escribo | me pongo en contacto |
        trabajamos con | ayudamos a | nuestros clientes | de media | podríamos hablar | podemos hablar | le viene
        bien | le gustaría | tendría | su empresa | su equipo | este mes | no quieres recibir | date de baja |
        apúntate | te esperamos | te contamos | os contamos | vuelve | novedades | notei que | vi que | trabalhamos
        com | nossos clientes | em média | podemos conversar | podemos falar | teria | sua empresa | sua equipe |
        este mês | não receber | cancele a inscrição | garanta o seu | convite | sentimos a sua | faz tempo | ho
        visto che | ho notato che | la contatto | le scrivo perché | lavoriamo con | i nostri clienti | in media |
        potremmo sentirci | posso chiamarla | avrebbe | la sua azienda | il suo team | questo mese | non ricevere
        più | posti limitati | vi aspettiamo | torna a | ci manchi | ik zag dat | ik kwam | wij helpen | wij werken
        | onze klanten | gemiddeld | zullen we | heb je donderdag | heeft u tijd | heb je even tijd | uw bedrijf |
        jullie team | jullie bedrijf | deze maand | afmelden kan | meld je aan | kom naar | kennismaken | мы
        помогаем | мы работаем с | наши клиенты | в среднем | удобно ли | могли бы мы | ваша компания | вашей
        компании | в этом месяце | отписаться | приглашаем | регистрация по | участие бесплатное | kümmern uns um |
        wir stellen ihnen | sie zahlen | zahlen pro | soll ich | soll ich ihnen | soll ich nächste | probe
        mitbringen | rechne ihnen | rechne es ihnen | das programm | herbstprogramm | ab sofort auf | karten gibt es
        | liebe gäste | liebe kunden | tage der offenen | besuchen sie | freuen sie sich | lassen sie sich |
        unverbindlich | kostenloser leitfaden | zum download | je conçois | je crée | je propose | je peux vous
        envoyer | une maquette | maquette gratuite | ça vous dit | cela vous intéresse | nous organisons | découvrez
        nos | nos nouveautés | à partir de # | profitez | guide gratuit | télécharger le | hemos preparado | para ti
        | mira las | elige la | elige el | desde # | tu próximo | tu próxima | guía gratuita | descarga la | me
        gustaría mostrar* | le muestro | a gente faz | a gente cuida | fazemos isso | topa | topa uma | conversa
        rápida | já pensou | guia gratuito | baixe o | gostaria de mostrar | iscrizioni | aperte le iscrizioni | si
        possono prenotare | i posti | guida gratuita | scarica la | le mostro | vorrei mostrarle | ideiamo | ik
        reken | reken het | voor je uit | geregeld | scheelt | rijden jullie | gebruiken jullie | werken jullie |
        hebben jullie | gratis gids | ik laat | laat het je zien | ik wil je graag | kunnen we | nog één vraag | al
        eens gedacht | überlegen sie | haben sie schon einmal | avez-vous déjà | ha pensado en | han pensado | avete
        mai | ha mai pensato
    """,
}
AMBIGUOUS = """
    rather than | without the | on average | average | saw you | saw your | could i | could we | shall i | any
    questions | another time | do you have any | a link to | enclosed | is missing | the recording | add a | set up
    a | add breakfast | founders | founder of | in action | in confidence | confidential | attendees | delegates |
    see below | i assume | forwarded | briefing | version # is | release notes | rsvp | teams that | we work for |
    reading the | hall # | stand # | find # | spare # | on the web | could you point | who owns | who leads | who at
    | find time | find a time | here is what | here's what | may we | tendría | teria | avrebbe | beaucoup de | ce
    mois-ci | este mes | este mês | questo mese | deze maand | в этом месяце | votre équipe | votre entreprise | su
    empresa | su equipo | sua empresa | sua equipe | la sua azienda | uw bedrijf | в среднем | en moyenne | de media
    | in media | gemiddeld | em média | vuelve | vi que | zullen we | hätten sie | haben sie in der | auriez-vous |
    seriez-vous | êtes-vous disponible | podemos hablar | podemos conversar | i made a | i wrote down | because you
    signed up | had a chance to | sponsor | looked at your | following up on the | where you left | in case it | in
    case this | dispatch | the state of | report is | i signed up for | le escribo | la contatto | je vous contacte
    | audit logs | per seat | convite | einladung zum | valuation of your | i checked | no limit on | with our
    partner | join us on | join us in | join us for | i tried to | try again | this quarter | next quarter | opening
    | shipped | from today | coming up | programme | essay | exhibition | doors open | your code | the letter | this
    letter | highlights | download the | your copy | soll ich | geregeld | kunnen we | i can send | send it over |
    send over | send you the | send you some | hebben jullie | werken jullie | gebruiken jullie | desde # | à partir
    de # | para ti | i posti | das programm | is live | portfolio | would you like a | keen to | still relevant |
    your stack | your pipeline | course starts | courses start | add-on | apply: | apply by | cohort | dear members
    | trying again | your inbox | more seats | i wrote on the | creator* | liebe kunden | haven't used | you have
    not used | choose a time | choose a day | pick a day | want the | like me to | reply here and | similar teams |
    other teams | i film | besuchen sie | scheelt | profitez | is suitable for
"""
