"""Dutch."""

PHRASES = {
    "discount": """
        korting* | % korting | #% korting | kortingscode | actie | acties | actiecode | aanbieding* | aanbod |
        uitverkoop | opruiming | sale | bespaar | besparen | voordeel* | gratis | cadeau* | gratis verzending | halve
        prijs | # voor # | voor maar | vanaf € | in plaats van | van # voor | speciale prijs | deal | deals | bon |
        cadeaubon | nu maar | introductieprijs | per persoon | eerste maand | is gratis | gratis plaatsing |
        welkomstbonus | nu €
    """,
    "urgency": """
        alleen vandaag | vandaag nog | tot middernacht | laatste kans | laatste dagen | laatste uren | laatste
        plaatsen | mis het niet | mis dit niet | op is op | zolang de voorraad | beperkte tijd | beperkt | wees er
        snel | eindigt vandaag | dit weekend | tot en met zondag | voor zondag | voor vrijdag | als u tekent | als je
        bestelt | alleen deze week | nog maar | loopt af | eerste tien | de eerste tien | voor vrijdag en
    """,
    "buy": """
        koop nu | nu kopen | bestel nu | bestel | shop nu | naar de shop | bekijk de | bekijk het aanbod | ontdek |
        profiteer | claim | pak je | scoor | reserveer | boek nu | meld je aan | schrijf je in | aanmelden | probeer
        gratis | gratis proberen | probeer | begin vandaag | start nu | met code | gebruik code | meer weten | meer
        informatie | lees meer | upgrade nu | verzilver | haal | bel nu | boek voor | rond vandaag | stap over | kom
        kijken | proef onze
    """,
    "prospect": """
        wacht op je | wacht op u | gereserveerd voor | geselecteerd | uitgekozen | gewonnen | win | winactie | prijs
        winnen | gefeliciteerd | winkelmand* | winkelwagen | nog niet besteld | nog niet | interesse | geïnteresseerd
        | voordat je gaat | klaargelegd | u betaalt te veel | betaalt te veel | nog niet afgerond | hielden | apart
        voor u | kan minder betalen | minder betalen
    """,
    "launch": """
        nieuwe collectie | nieuw binnen | nieuw | onze nieuwe | ons nieuwe | nu verkrijgbaar | nu beschikbaar | is er
        | zijn er | maak kennis | lancering | lanceren | exclusie* | opening | voorverkoop | primeur
    """,
    "pitch": """
        wij helpen | we helpen | ik help | onze oplossing | onze software | ons platform | onze dienst* | ons team |
        onze klanten | onze adviseurs | onze specialisten | klanten zoals | bedrijven zoals | bedrijven als | zoals
        dat van u | uw bedrijf | uw zaak | uw winkel | uw praktijk | jullie bedrijf | ik zag | viel me op | ik las |
        mijn naam is | ik ben van | ik werk bij | wij bieden | we leveren | gespecialiseerd | specialist | marktleider
        | succesverhaal | verdubbel* | verhogen | meer omzet | meer klanten | besparen op | bespaart | tijd besparen |
        verlagen | vrijblijvend* | zonder verplichting* | gratis advies | gratis scan | gratis proef* | samenwerking |
        samenwerken | investering | rendement | lening | vindbaarheid | de meeste | stel je voor | wist u dat |
        brochure | catalogus | proefpakket | demonstratie | bekijken uw | onze adviseur | zonnepanelen | installateurs
        | planning die | uw restaurant | proefplaatsing | wij helpen installateurs
    """,
    "ask": """
        # minuten | kwartier | kwartiertje | tien minuten | half uur | bellen | even bellen | kort gesprek | gesprek |
        kennismaken | kennismaking | afspraak maken | heeft u tijd | heb je tijd | schikt het | komt het uit | past
        het | mag ik | zal ik | zullen we | demo | laten zien | laat u zien | laat zien | volgende week | morgen | wat
        denkt u | hoor graag | ik hoor graag | koffie | kom langs | wanneer mag | belt u | laat u graag
    """,
    "chase": """
        mijn vorige | mijn laatste | mijn mail | mijn bericht | ik schreef | nog even | heeft u al | had u al | heb je
        al | niets gehoord | geen reactie | laatste poging | nog een keer | ondergesneeuwd | nog interesse | kom terug
        op
    """,
    "newsletter": """
        nieuwsbrief | editie | deze week | deze maand | in deze editie | lees verder | lees meer | artikel* | nieuws |
        blog | podcast | aflevering | tips | # tips | recept* | trends | inspiratie | beste lezer* | nummer |
        wekelijks* | maandelijks* | veel leesplezier | interview met | vijf tips | een recept
    """,
    "event": """
        uitnodiging | nodigen u | nodigen je | uitgenodigd | beurs | stand | webinar* | conferentie | congres |
        workshop* | open dag | open huis | concert | festival | proeverij | inschrijven | inschrijving | plaatsen |
        sprekers | kom naar | tot dan | tot ziens op | bijeenkomst
    """,
    "survey": """
        enquête | vragenlijst | uw mening | jouw mening | je mening | beoordeel | beoordeling | aanbevelen |
        tevredenheid | tevreden | paar minuten | # vragen | vragen | help ons | vertel ons | hoe was
    """,
    "referral": """
        vrienden | een vriend | vriendin | nodig een vriend | nodig vrienden | aanraden | heeft je uitgenodigd | breng
        een
    """,
    "winback": """
        we missen je | we missen u | kom terug | lang geleden | al een tijd | welkom terug | sinds je laatste | al
        lang niet
    """,
    "upsell": """
        stap over | overstappen | premium | jaarabonnement | upgrade* | onbeperkt* | ontgrendel | meer ruimte |
        uitbreiden | extra garantie | verzekering | accessoires | haal meer uit
    """,
    "hype": """
        geweldig* | uniek* | prachtig* | perfect* | beste | favoriet* | onweerstaanbaar | heerlijk* | geniet* |
        verrassing | luxe | droom* | ideaal | mooiste
    """,
    "bulk": "uitschrijven | afmelden | bekijk in browser | bekijk online | niet meer ontvangen | advertentie | reclame",
    "crowd": """
        beste klant | beste klanten | beste vrienden | hallo allemaal | geachte heer mevrouw | geachte ondernemer |
        beste ondernemer | liefhebber*
    """,
    "order": """
        uw bestelling | je bestelling | bestelling # | bestelnummer | orderbevestiging | bestelbevestiging |
        bevestiging van uw | bedankt voor je bestelling | bedankt voor uw bestelling | dank voor uw bestelling | uw
        aankoop | je aankoop | uw boeking | boekingsbevestiging | uw reservering | reservering bevestigd | ticket* |
        aantal | geannuleerd | klaar om | afhalen | uw abonnement
    """,
    "paid": """
        factuur* | factuurnummer | bon # | kassabon | subtotaal | totaal | bedrag | betaald | betaling | betaling
        ontvangen | ontvangen | automatische incasso | afgeschreven | overmaken | overschrijving | vervaldatum |
        vervallen | achterstallig | openstaand* | betalingsherinnering | herinnering | terugbetaling | terugbetaald |
        btw | kaart | loonstrook | afschrift | iban | creditnota
    """,
    "shipping": """
        verzonden | is verzonden | verzending | bezorging | bezorgd | wordt bezorgd | levering | geleverd | leverdatum
        | pakket | pakketje | track & trace | track | trackingcode | bezorger | onderweg | afleveradres | pakketpunt |
        uw bestelling is | verzendbevestiging
    """,
    "security": """
        wachtwoord | opnieuw instellen | wachtwoord herstellen | verificatiecode | beveiligingscode | je code | uw
        code | eenmalige | bevestig je | bevestig uw | bevestigen | verifieer | inloggen | ingelogd | inlogpoging |
        apparaat | geblokkeerd | deblokkeren | als u dit niet | als je dit niet | niet aangevraagd | aangevraagd |
        negeer | negeren | verloopt | geldig | deel deze | tweestaps* | beveiliging
    """,
    "account": """
        uw account | je account | uw gegevens | je gegevens | uw profiel | is gewijzigd | gewijzigd | is bijgewerkt |
        bijgewerkt | is aangemaakt | verwijderd | opzegging | opgezegd | verlenging | wordt verlengd | voorwaarden |
        privacyverklaring | wijziging | vanaf # | per # | contract | uw contract | uw abonnement | proefperiode |
        klantnummer | welkom | garantie | terugroep* | registratie | polis | log in met | vul uw profiel
    """,
    "answer": """
        uw aanvraag | uw vraag | je vraag | uw vragen | zoals gevraagd | zoals besproken | zoals afgesproken | u vroeg
        | je vroeg | naar aanleiding van | in antwoord | bedankt voor uw bericht | bedankt voor je bericht | dank voor
        uw | uw bericht | je bericht | bijgevoegd | bijlage | in de bijlage | offerte | offerte # | excuses | sorry |
        opgelost | verholpen | melding | ticket | helaas
    """,
    "work": """
        vergadering | notulen | agenda | collega* | team | kantoor | vergaderzaal | wil je | kun je | kan iemand |
        kunnen jullie | graag controleren | controleren | goedkeuren | goedkeuring | akkoord | concept | rapport |
        verslag | document* | budget | vakantie | verlof | dienst | rooster | training | de klant | ter info | ter
        informatie | herinnering | kwartaal | cijfers | ondertekenen | hoi allemaal | beste collega's | verhuurder |
        handtekening | artikel # | goed voor jou | groet | notulen van
    """,
    "system": """
        mislukt | fout | fouten | onderhoud | storing | hersteld | server | back-up | voltooid | waarschuwing | status
    """,
    "appointment": """
        uw afspraak | je afspraak | afspraak | verzet | verplaatst | uitgesteld | les | lessen | klas | school |
        ouders | arts | dokter | huisarts | tandarts | onderzoek | uitslag | garage | monteur | trein | vlucht | spoor
        | vertrek | aankomst | kamer | hotel | sollicitatie | sollicitatiegesprek | huurder* | uur
    """,
    "people": """
        medewerker* | salaris | loonstrook | verlofaanvraag | arbeidsovereenkomst | uw sollicitatie | je sollicitatie
        | vacature | personeelszaken | ziekmelding | pensioen
    """,
    "record": """
        bewaar | voor uw administratie | referentie | kenmerk | nummer | datum | automatisch bericht | automatisch |
        niet beantwoorden | geen actie | als u al | bewijs
    """,
}

# Phrases that honest and selling mail both use: they vote under a name of their own.
AMBIGUOUS = """
    actie | aanbod | aanbieding* | korting* | % korting | gratis | cadeau* | voordeel* | bon | # voor # | in plaats
    van | vanaf € | dit weekend | vandaag nog | beperkt | loopt af | ontdek | bestel | reserveer | aanmelden | meer
    informatie | lees meer | haal | probeer | interesse | nog niet | gefeliciteerd | win | geselecteerd | nieuw | is
    er | zijn er | opening | exclusie* | mijn naam is | ik zag | ik las | ons team | onze klanten | we leveren | wij
    bieden | verhogen | verlagen | lening | samenwerking | samenwerken | specialist | # minuten | tien minuten |
    kwartier | half uur | morgen | volgende week | bellen | gesprek | afspraak maken | mag ik | zal ik | zullen we |
    demo | koffie | mijn mail | mijn bericht | nog even | geen reactie | deze week | deze maand | artikel* | nieuws
    | nummer | tips | wekelijks* | maandelijks* | nieuwsbrief | inschrijven | inschrijving | plaatsen | workshop* |
    bijeenkomst | concert | uitnodiging | uitgenodigd | vragen | # vragen | tevreden | beoordeling | hoe was |
    vrienden | lang geleden | kom terug | verzekering | upgrade* | uitbreiden | premium | onbeperkt* | beste |
    heerlijk* | geweldig* | perfect* | luxe | afmelden | uitschrijven | reclame | beste klant | hallo allemaal |
    totaal | bedrag | kaart | betaling | factuur* | ontvangen | levering | pakket | pakketje | onderweg | geldig |
    verloopt | apparaat | beveiliging | contract | garantie | per # | uw account | gewijzigd | offerte | offerte # |
    ticket | melding | sorry | team | kantoor | document* | dienst | agenda | training | uur | les | klas | hotel |
    trein | datum | status | voor vrijdag | afspraak | bestelling # | uw bestelling | per persoon | groet | nu €
"""
