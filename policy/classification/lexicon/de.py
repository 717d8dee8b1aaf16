"""German."""

PHRASES = {
    "discount": """
        rabatt* | aktionsrabatt | nachlass | prozent auf | % auf | % rabatt | #% rabatt | gutschein* | gutscheincode |
        rabattcode | aktionscode | angebot* | sonderangebot* | aktion | schnäppchen | ausverkauf | schlussverkauf |
        sale | reduziert* | statt # | zum halben preis | halber preis | günstiger | sparen sie | spare | sparen |
        ersparnis | sonderpreis | vorteilspreis | aktionspreis | preisvorteil | ab # € | ab # euro | versandkostenfrei
        | gratis versand | neukunden* | frühbucher* | einführungspreis | geschenk* | gratis | kostenlos* | treuepunkte
        | bonus | deal | deals | zum sonderpreis | ab # | im ersten jahr | im ersten quartal | die ersten drei monate
        | erste monat | # euro guthaben | guthaben | prämie | einkaufspreis | kostet nur | nur die hälfte | vorteil |
        ihr vorteil | # % rabatt | bis zu # % | frei haus
    """,
    "urgency": """
        nur heute | nur noch | nur bis | nur diese woche | nur dieses wochenende | bis mitternacht | letzte chance |
        jetzt zugreifen | solange der vorrat | solange vorrat | nicht verpassen | nicht entgehen | endet heute | endet
        am | endet bald | endet morgen | läuft ab | letzte plätze | begrenzte plätze | plätze sind begrenzt | begrenzt
        | schnell sein | beeilen | bis sonntag | bis freitag | letzter tag | letzte tage | wenn sie heute | wenn sie
        bis | wer bis | bei bestellung bis | bei buchung bis | noch heute | passt nicht lange | nur für kurze zeit |
        für kurze zeit | die ersten zehn | ersten # kunden
    """,
    "buy": """
        jetzt kaufen | jetzt bestellen | jetzt shoppen | jetzt sichern | jetzt buchen | jetzt anmelden | jetzt testen
        | jetzt entdecken | jetzt upgraden | jetzt einlösen | jetzt starten | jetzt mitmachen | jetzt registrieren |
        zum shop | zum angebot | zur aktion | hier bestellen | hier buchen | hier anmelden | kostenlos testen | gratis
        testen | sichern sie sich | sichere dir | bestellen sie | bestell | greifen sie zu | holen sie sich | hol dir
        | entdecken sie | entdecke | einlösen | mit dem code | code eingeben | mehr erfahren | stöbern | abonnieren |
        platz sichern | zugreifen | gönnen sie | rufen sie uns an | rufen sie jetzt | reservieren sie | bestellen sie
        jetzt | jetzt eröffnen | jetzt wechseln | jetzt beantragen | kommen sie vorbei | kommen sie | ausprobieren |
        wählen sie | abholen | probefahrt*
    """,
    "prospect": """
        noch nicht bestellt | noch nicht bezahlt | noch nicht aktiviert | für sie reserviert | für dich reserviert |
        wartet auf sie | wartet auf dich | für sie zurückgelegt | ausgewählt | sie wurden ausgewählt | berechtigt | in
        ihrem warenkorb | im warenkorb | warenkorb | interesse | interessiert | bei interesse | falls sie interesse |
        passende | wenn sie bestellen | gewonnen | gewinnspiel | glückwunsch | bevor sie gehen | möchten sie | noch
        nichts bestellt | noch nicht gekauft | zahlen zu viel | könnten sie | was sie sparen | kann mehr | einlösbar |
        vorgemerkt | habe für sie | zurückgelegt
    """,
    "launch": """
        neu im sortiment | neu im | neu bei | unsere neue* | neue kollektion | kollektion | ist da | sind da | jetzt
        erhältlich | ab sofort | wir stellen vor | vorstellen | neuheit* | eröffnung* | eröffnen | exklusiv* |
        premiere | vorverkauf | neuen modelle | neue modelle | frühlingskollektion | winterkollektion
    """,
    "pitch": """
        wir helfen | wir unterstützen | unterstützen sie | unser team | unsere software | unsere lösung | unser
        produkt | unser angebot | unsere dienst* | unsere praxissoftware | unsere kunden | kunden wie | unternehmen
        wie | betriebe wie | praxen wie | für ihr unternehmen | für ihren betrieb | für ihre praxis | für ihre kanzlei
        | für ihren shop | bin auf sie | bin auf ihre | aufmerksam geworden | auf ihrer website | auf ihrer seite |
        ich habe gesehen | mir ist aufgefallen | mein name ist | wir sind | wir bieten | wir liefern | wir entwickeln
        | spezialisiert | spezialist* | führend* | erfolgsgeschichte | fallstudie | referenzkunde* | umsatz steigern |
        mehr umsatz | mehr kunden | mehr anfragen | steiger* | verdoppel* | senken | sparen stunden | spart | zeit
        sparen | kosten sparen | nimmt ihnen | nehmen ihnen | unverbindlich* | ohne risiko | ohne verpflichtung |
        jederzeit kündbar | kostenfrei* | kostenlose beratung | erstberatung | analyse kostenlos | probemonat |
        testphase | testzugang | zusammenarbeit | partnerschaft | suchmaschinen* | reichweite | neukundengewinnung |
        fachkräfte | zinsen | rendite | kredit | finanzierung | die meisten | kennen sie das | stellen sie sich vor |
        wussten sie | ansprechpartner | muster | katalog | broschüre | für sie interessant | wir beliefern | beliefern
        | kanzleien | handwerksbetriebe | viele betriebe | viele kanzleien | viele praxen | ihre praxis | ihrer praxis
        | ihr büro | ihre mitarbeiter | spart etwa | spart ihnen | stunden in der woche | rechne ich ihnen | komme
        gern vorbei | vorbeikommen | zeigen wir | unser berater | stellt ihnen | vorzuführen | vorführen | fast
        vollständig | ökostrom | wärmepumpe | interessant ist
    """,
    "ask": """
        # minuten | fünfzehn minuten | zehn minuten | zwanzig minuten | halbe stunde | kurzes gespräch | kurzes
        telefonat | telefonat | kurz telefonieren | kurz anrufen | anrufen | telefonieren | termin vereinbaren |
        terminvorschlag | hätten sie | haben sie zeit | passt ihnen | wann passt | darf ich | darf herr | darf frau |
        dürfen wir | dürfte ich | demo | vorführung | vorstellen darf | zeige ihnen | zeigen ihnen | gerne zeige |
        gern zeige | austausch | nächste woche | kommende woche | morgen | freue mich auf ihre rückmeldung | soll ich
        | sollen wir | wie wäre es | reden wir | sprechen wir | kaffee | besuchen sie uns | schauen sie vorbei | wann
        darf | ich rufe | rufe gern | rufe sie | wann passt es | was meinen sie | sie kurz | termin nicht
    """,
    "chase": """
        nachfassen | nachhaken | nochmal zu meiner | noch einmal zu meiner | meine letzte | meine mail | meine e-mail
        | meiner mail | meiner letzten | meiner nachricht | meine nachricht | letzte woche geschrieben | untergegangen
        | hatten sie gelegenheit | gelegenheit | schon zeit | noch nichts gehört | nichts von ihnen gehört | kurze
        erinnerung an mein | ein letztes mal | letzter versuch | noch aktuell | noch interesse | haben sie meine
    """,
    "newsletter": """
        newsletter | ausgabe | diese woche | dieser woche | diesen monat | wochenrückblick | rückblick | weiterlesen |
        mehr lesen | artikel | themen | lesen sie | blog | podcast | folge | tipps | # tipps | rezept* | ratgeber |
        neuigkeiten | aktuelles | nachrichten | liebe leser* | leserinnen | magazin | trends | inspiration |
        veröffentlich* | bedeutende | üblichen abschnitte | gartenbrief | rundbrief | lesung | mehr im laden | unser
        tipp | in dieser ausgabe | regelmäßig* | wöchentlich*
    """,
    "event": """
        einladung* | laden sie | lade dich | laden wir | webinar* | messe | messestand | stand # | konferenz | tag der
        offenen | workshop* | seminar | kongress | veranstaltung* | vortrag | online-seminar | anmeldung | anmelden |
        tickets | plätze | wir freuen uns auf sie | vor ort | infoabend | verkostung | konzert | feiern | jubiläum |
        kommen sie | tag der | fest | herbstfest | grillwurst | öffnen wir | probieren | entdecken | studio
    """,
    "survey": """
        umfrage | befragung | ihre meinung | deine meinung | ihr feedback | bewerten sie | bewerte* | bewertung |
        weiterempfehlen | wie zufrieden | zufriedenheit | zufrieden | fragebogen | nehmen sie sich | wie war | wenige
        fragen | # fragen | minuten zeit
    """,
    "referral": """
        freunde werben | freund* | empfehlen sie | empfehle* | weiterempfehl* | werben | einladen | prämie |
        eingeladen
    """,
    "winback": """
        wir vermissen | vermissen dich | vermissen sie | lange nicht | schon lange | willkommen zurück | kommen sie
        zurück | komm zurück | wiedersehen | zurückgewinnen | noch da
    """,
    "upsell": """
        upgrade* | upgraden | premium | premium-abo | jahresabo | jahrestarif | wechseln sie | wechsel zu | mehr
        speicher | mehr funktionen | unbegrenzt | unlimitiert | freischalten | erweitern | zusatz* |
        garantieverlängerung | versicherung | zubehör | tarif
    """,
    "hype": """
        unglaublich | einzigartig* | traumhaft* | perfekt* | wunderbar* | lieblings* | beliebt* | beste* | genießen |
        luxus | unwiderstehlich | highlight* | handgemacht | entspannt | überraschung | moderne
    """,
    "bulk": """
        abmelden | abbestellen | abmeldelink | im browser | newsletter abbestellen | keine weiteren | anzeige |
        werbung | impressum
    """,
    "crowd": """
        liebe kunden | liebe kundinnen | liebe freunde | liebe freundinnen | liebe begeisterte | liebe koch* | liebe
        garten* | sehr geehrte damen und herren | hallo zusammen | liebe eltern von | liebe fans | liebe gäste | liebe
        nachbar* | liebe gartenfreunde | liebe leserinnen | liebe naturfreunde
    """,
    "order": """
        ihre bestellung | deine bestellung | bestellung # | bestellnummer | bestellbestätigung | auftragsbestätigung |
        ihr auftrag | ihren auftrag | auftrag # | vielen dank für ihre bestellung | danke für ihre bestellung | danke
        für ihren einkauf | ihren einkauf | ihr einkauf | ihre buchung | buchungsbestätigung | buchung # |
        reservierung* | ihre reservierung | ihr ticket | ihr abonnement | ihr abo | menge | artikelnummer | position |
        storniert | stornierung | abholbereit | abholung
    """,
    "paid": """
        rechnung* | rechnungsnummer | rechnungsbetrag | quittung | beleg | zwischensumme | gesamt | gesamtbetrag |
        summe | betrag | bezahlt | zahlung | zahlungseingang | zahlungserinnerung | mahnung | überfällig | fällig* |
        überweisen | überweisung | iban | lastschrift | abgebucht | kontoauszug | mwst | mehrwertsteuer | erstattung |
        erstattet | gutgeschrieben | gutschrift | karte | kreditkarte | berechnen wir | gehaltsabrechnung |
        lohnabrechnung | netto | brutto | spesen
    """,
    "shipping": """
        versandt | verschickt | versendet | versandbestätigung | lieferung | geliefert | liefertermin | zugestellt |
        zustellung | zusteller | unterwegs | paket | sendung | sendungsnummer | sendungsverfolgung | lieferadresse |
        spedition | trifft ein | ankunft | wurde verschickt | ihre bestellung wurde
    """,
    "security": """
        passwort | kennwort | passwort zurücksetzen | zurücksetzen | zugangsdaten | einmalcode | sicherheitscode |
        bestätigungscode | ihr code | code lautet | anmeldecode | tan | bestätigen sie ihre | e-mail-adresse
        bestätigen | adresse bestätigen | bestätigungslink | neue anmeldung | angemeldet | anmeldung von |
        anmeldeversuch | gesperrt | sperre | entsperrt | entsperren | falls sie das nicht | wenn sie das nicht | nicht
        angefordert | angefordert | ignorieren sie | gültig | läuft in # | zwei-faktor | sicherheitshinweis | gerät |
        konto bestätigen | anleitung
    """,
    "account": """
        ihr konto | ihr benutzerkonto | ihrem konto | ihres kontos | kontoeinstellungen | geändert | wurde
        aktualisiert | aktualisiert | wurde erstellt | wurde gelöscht | wurde gekündigt | kündigung | kündigen | ihre
        kündigung | verlängert sich | verlängerung | vertrag* | ihr vertrag | vertragsänderung | agb |
        nutzungsbedingungen | datenschutz* | preisänderung | preisanpassung | ab dem # | zum # | wirksam | ihre daten
        | ihre adresse | kundennummer | versicherungsnummer | kontostand | testphase endet | probezeitraum | rückruf |
        garantie* | gewährleistung | registrierung | freigeschaltet | mitglied | mitgliedschaft | zähler* | abschlag |
        konto wurde angelegt | sie können sich jetzt | wurde angelegt | willkommen bei | hat geschrieben | kommentar |
        ihr monatsbericht
    """,
    "answer": """
        ihre anfrage | ihre frage | ihre fragen | ihrer anfrage | auf ihre anfrage | wie gewünscht | wie besprochen |
        wie vereinbart | wie von ihnen | sie haben gefragt | sie fragten | sie hatten gefragt | danke für ihre
        nachricht | vielen dank für ihre | ihre nachricht | ihr schreiben | ihre meldung | ihre e-mail | anbei | im
        anhang | beigefügt | angehängt | kostenvoranschlag | angebot # | das gewünschte | behoben | gelöst |
        entschuldigung | entschuldigen | tut uns leid | ticket | ich habe die | wir haben die | leider | sie können
        sich | ist noch frei | noch frei | für sie reservieren | ab lager | wäre er bei
    """,
    "work": """
        besprechung | sitzung | protokoll | tagesordnung | teamsitzung | kollege* | kollegin* | kolleginnen |
        abteilung | büro | küche | raum | bitte prüfen | bitte prüf | bitte freigeben | freigabe | bitte bestätigen |
        bitte um | bitte denkt | bitte schick* | kannst du | könnt ihr | könntest du | entwurf | bericht |
        monatsbericht | wochenbericht | tabelle | unterlagen | budget | frist | urlaub | krank | vertretung | schicht
        | dienstplan | schulung | kunde hat | hallo team | liebe kollegen | liebes team | hallo ihr | zur info | zur
        kenntnis | erinnerung | quartal | zahlen | unterschrift | unterschreib* | ziffer | vermieter | bis mittwoch |
        bis freitag brauchen | umsatz | kündigungen | neue kunden | die liste | tabelle anbei | liste kontrollieren |
        gruß | grüße | schlüssel | drucker | ausstellung | korrigieren | maße
    """,
    "system": """
        fehlgeschlagen | fehler | wartung* | störung | ausfall | wiederhergestellt | server | sicherung |
        protokolldatei | status | warnung | speicherplatz | überwachung | abgeschlossen | erfolgreich
    """,
    "appointment": """
        termin | ihr termin | terminbestätigung | terminerinnerung | verschoben | verlegt | abgesagt | uhr | klasse |
        unterricht | elternabend | schule | praxis | arzt | zahnarzt | untersuchung | befund | werkstatt | techniker |
        ablesung | zug | flug | gleis | abfahrt | zimmer | anreise | abreise | bewerbung | vorstellungsgespräch |
        bringen sie | mieter | vermieter | heizung | wasser | hausverwaltung
    """,
    "people": """
        mitarbeiter* | gehalt | lohn | urlaubsantrag | krankmeldung | arbeitsvertrag | ihre bewerbung | stelle |
        betriebsrat | personalabteilung | rentenversicherung | sozialversicherung | zeiterfassung | stundenzettel
    """,
    "record": """
        für ihre unterlagen | bitte aufbewahren | aufbewahren | referenz | vorgangsnummer | aktenzeichen | datum |
        nummer | automatisch erstellt | automatisch | nicht auf diese | gilt zugleich | keine aktion | gegenstandslos
        | nachweis
    """,
}

# Phrases that honest and selling mail both use: they vote under a name of their own.
AMBIGUOUS = """
    kostenfrei* |
    angebot* | aktion | gutschein* | rabatt* | % rabatt | #% rabatt | nachlass | bonus | statt # | geschenk* |
    kostenlos* | bis sonntag | bis freitag | begrenzt | läuft ab | entdecke | abonnieren | interesse | interessiert
    | möchten sie | glückwunsch | bei interesse | eröffnung* | eröffnen | kollektion | ist da | ab sofort |
    vorstellen | wir sind | unser team | unsere kunden | mein name ist | senken | finanzierung | kredit |
    zusammenarbeit | analyse kostenlos | katalog | muster | ansprechpartner | die meisten | # minuten | zehn minuten
    | fünfzehn minuten | zwanzig minuten | morgen | nächste woche | soll ich | sollen wir | darf ich | passt ihnen |
    anrufen | termin vereinbaren | kaffee | meine mail | meine nachricht | ausgabe | diese woche | dieser woche |
    diesen monat | artikel | themen | folge | tipps | aktuelles | nachrichten | rückblick | blog | bedeutende |
    veröffentlich* | einladung* | anmeldung | anmelden | workshop* | seminar | tickets | plätze | messe | messestand
    | konferenz | veranstaltung* | vor ort | stand # | kommen sie | umfrage | bewertung | zufrieden | bewerte* | #
    fragen | freund* | einladen | eingeladen | upgrade* | premium | tarif | versicherung | erweitern | zubehör |
    zusatz* | beste* | genießen | moderne | highlight* | impressum | abmelden | hallo zusammen | sehr geehrte damen
    und herren | liebe kunden | rechnung* | betrag | summe | karte | gesamt | zahlung | paket | lieferung |
    geliefert | unterwegs | bestätigungslink | gültig | gerät | vertrag* | zum # | geändert | garantie* | ihr konto
    | angebot # | leider | ticket | anbei | termin | uhr | klasse | praxis | werkstatt | zug | wasser | heizung |
    team | büro | raum | budget | status | fehler | nummer | datum | vorteil | ab # | wählen sie | fest | studio |
    entdecken | probieren | unterschrift | bericht | küche | zahlen | quartal | ihr termin | terminbestätigung |
    bestellung # | ihre bestellung | spare | % auf | grüße | gruß | ihr büro | guthaben | ihrem konto | umsatz
"""
