"""Italian."""

PHRASES = {
    "discount": """
        sconto* | sconti | scontat* | % di sconto | saldi | offerta | offerte | promozione | promozioni | promo |
        codice sconto | codice promo | coupon | buono | buoni | risparmia | risparmi | risparmiare | gratis | gratuit*
        | omaggio | regalo | regali | spedizione gratuita | metà prezzo | prezzo speciale | a partire da # | a soli |
        invece di | affare | affari | svendita | outlet | vantagg* | a persona | primo mese | per i primi | è gratis |
        installazione gratuita | invece di # | buono da
    """,
    "urgency": """
        solo oggi | solo per oggi | entro mezzanotte | fino a mezzanotte | ultima occasione | ultimi giorni | ultime
        ore | ultimi posti | ultimi pezzi | non perdere | non perdertelo | fino a esaurimento | esaurimento scorte |
        tempo limitato | posti limitati | affrettati | termina oggi | questo weekend | questo fine settimana | entro
        domenica | fino a domenica | entro venerdì | se firma | se ordini | solo questa settimana | ultimi | scade |
        per i primi dieci | primi dieci
    """,
    "buy": """
        acquista ora | acquista | compra ora | compra | ordina ora | ordina | approfitta* | approfittane | scopri |
        scopra | vedi l'offerta | vai allo shop | vai al negozio | prenota ora | prenota | iscriviti | registrati |
        abbonati | prova gratis | prova gratuita | provalo | inizia | attiva | con il codice | usa il codice |
        maggiori informazioni | partecipa | riscatta | clicca qui | richiedi | passa a | chiami ora | prenota entro |
        conferma entro | passi a noi | prenota il tuo
    """,
    "prospect": """
        ti aspetta | ti aspettano | la aspetta | riservat* | selezionat* | scelto per | hai vinto | ha vinto | vinci |
        concorso | premio | premi | complimenti | congratulazioni | tuo carrello | nel carrello | carrello | non
        ancora | se le interessa | se ti interessa | interessat* | prima di andare | abbiamo riservato | in sospeso |
        può pagare | troppo alta | paga troppo
    """,
    "launch": """
        nuova collezione | novità | il nostro nuovo | la nostra nuova | i nostri nuovi | è arrivat* | sono arrivat* |
        appena arrivat* | disponibile ora | ora disponibile | presentiamo | lancio | lanciamo | esclusiv* |
        inaugurazione | anteprima | nuovi arrivi
    """,
    "pitch": """
        aiutiamo | aiuto | la nostra soluzione | il nostro software | la nostra piattaforma | il nostro servizio | i
        nostri servizi | il nostro team | i nostri clienti | i nostri consulenti | i nostri esperti | clienti come |
        aziende come | attività come | come la sua | come la vostra | la sua azienda | la vostra azienda | la tua
        attività | il suo negozio | il vostro ristorante | ho visto | ho notato | ho letto | mi chiamo | mi permetto |
        le scrivo | vi scrivo | la contatto | offriamo | siamo specializzat* | specializzat* | leader | caso di
        successo | raddoppia* | aumentare | aumenta | ridurre | riduce | risparmiare tempo | più clienti | più vendite
        | fatturato | senza impegno | senza vincoli | preventivo gratuito | collaborazione | partnership |
        investimento | rendimento | prestito | mutuo | posizionamento | la maggior parte | immagini | sapeva che |
        catalogo | campione | campioni | dimostrazione | la bolletta | analizziamo | nostro consulente | pannelli
        solari | ristoranti come | ridurre gli
    """,
    "ask": """
        # minuti | quindici minuti | dieci minuti | venti minuti | una chiamata | chiamarla | chiamarti | sentirci |
        ci sentiamo | una telefonata | breve incontro | ha un momento | ha tempo | le andrebbe | è disponibile |
        disponibile | possiamo | posso | potrei | una demo | mostrarle | mostrarvi | presentarle | presentarvi | la
        prossima settimana | domani | che ne dice | che ne pensa | fissare | un caffè | vieni a trovarci | venite a
        trovarci | quando posso | la chiama | posso chiamarla
    """,
    "chase": """
        la mia mail | la mia email | il mio messaggio | la mia precedente | le ho scritto | ti ho scritto | torno a
        scrivere | riprendo | ha avuto modo | ha potuto | non ho ricevuto | nessuna risposta | ultimo tentativo |
        un'ultima volta | ancora interessato | sollecito commerciale
    """,
    "newsletter": """
        newsletter | bollettino | numero | questa settimana | questo mese | in questo numero | leggi tutto | leggi di
        più | continua a leggere | articol* | notizie | blog | podcast | episodio | consigli | ricett* | tendenze |
        ispirazione | cari lettori | edizione | settimanale | mensile | riepilogo | buona lettura | un'intervista |
        una ricetta | nell'orto | cinque consigli
    """,
    "event": """
        invito | ti invitiamo | la invitiamo | vi invitiamo | invitat* | fiera | stand | webinar* | conferenza |
        convegno | laboratorio | workshop | porte aperte | open day | concerto | festival | degustazione | iscrizione
        | iscrizioni | posti | relatori | vieni | ti aspettiamo | vi aspettiamo
    """,
    "survey": """
        sondaggio | questionario | la tua opinione | la sua opinione | valuta | valutazione | consiglierebbe |
        consiglieresti | soddisfazione | soddisfatt* | pochi minuti | # domande | domande | aiutaci | raccontaci |
        recensione
    """,
    "referral": "invita | i tuoi amici | un amico | un'amica | amic* | porta un amico | ti ha invitato | presenta un",
    "winback": """
        ci manchi | ci sei mancat* | torna | torna a trovarci | è passato tanto | da quanto tempo | bentornat* | dalla
        tua ultima | non ti vediamo
    """,
    "upsell": """
        passa a premium | passa al | premium | piano annuale | piano superiore | versione pro | illimitat* | sblocca |
        più spazio | amplia | estensione di garanzia | assicurazione | accessori | migliora il tuo | upgrade
    """,
    "hype": """
        incredibil* | imperdibil* | unic* | perfett* | migliori | preferit* | irresistibil* | esclusivo | goditi |
        sorpresa | lusso | sogno | ideale | meraviglios* | bellissim* | autentic*
    """,
    "bulk": """
        disiscriviti | annulla l'iscrizione | annullare l'iscrizione | cancella iscrizione | visualizza nel browser |
        non desideri più | non ricevere più | pubblicità
    """,
    "crowd": """
        gentili clienti | cari clienti | cari amici | ciao a tutti | gentile cliente | cari appassionati | egregi
        signori
    """,
    "order": """
        il tuo ordine | il suo ordine | ordine # | numero ordine | numero d'ordine | conferma ordine | conferma
        d'ordine | conferma dell'ordine | riepilogo ordine | riepilogo dell'ordine | grazie per il tuo ordine | grazie
        per l'acquisto | grazie per il suo acquisto | grazie per aver acquistato | tuo acquisto | sua prenotazione |
        tua prenotazione | prenotazione confermata | biglietto | biglietti | quantità | annullat* | pronto per il
        ritiro | ritiro
    """,
    "paid": """
        fattura | fatture | ricevuta | scontrino | subtotale | totale | importo | pagat* | pagamento | pagamento
        ricevuto | abbiamo ricevuto | addebito | addebitato | bonifico | scadenza | scadut* | in ritardo | insoluto |
        rimborso | rimborsato | iva | carta | busta paga | estratto conto | iban | saldo dovuto
    """,
    "shipping": """
        spedit* | è stato spedito | spedizione | consegna | consegnat* | pacco | tracciamento | codice di tracciamento
        | numero di spedizione | corriere | in arrivo | in viaggio | arriverà | indirizzo di spedizione | in consegna
        | conferma di spedizione
    """,
    "security": """
        password | reimposta* | reimpostare | codice di verifica | codice di sicurezza | il tuo codice | il suo codice
        | monouso | conferma il tuo | conferma la tua | confermare | verifica | accesso | accedere | accedi |
        dispositivo | bloccat* | sblocc* | se non hai | se non sei stato | non hai richiesto | richiesto | richiesta
        di | ignora questa | ignorare | valido | non condividere | sicurezza | istruzioni | modificata
    """,
    "account": """
        il tuo account | il suo account | tuo profilo | i tuoi dati | i suoi dati | è stata modificata | è stato
        modificato | è stato aggiornato | è stato creato | eliminat* | disdetta | recesso | rinnovo | si rinnova |
        sarà rinnovat* | termini | condizioni | informativa privacy | variazione | modifica | a partire dal | dal # |
        contratto | suo contratto | tuo piano | periodo di prova | codice cliente | benvenut* | garanzia | richiamo |
        registrazione | notificarti | è attivo | accedi con | completa il profilo
    """,
    "answer": """
        la sua richiesta | la tua richiesta | la sua domanda | la tua domanda | come richiesto | come concordato |
        come da accordi | ha chiesto | hai chiesto | in risposta | grazie per il messaggio | grazie per averci | il
        suo messaggio | in allegato | allegat* | preventivo | preventivo # | ci scusiamo | scusa | risolto | corretto
        | segnalazione | ticket | purtroppo
    """,
    "work": """
        riunione | verbale | ordine del giorno | collegh* | squadra | ufficio | sala | per favore controlla |
        controllare | approvare | approvazione | puoi | potete | potresti | bozza | relazione | rapporto | documento |
        documenti | ferie | turno | turni | formazione | il cliente | per conoscenza | promemoria | trimestre | dati |
        firmare | ciao team | proprietario | la firma | clausola | ti va bene
    """,
    "system": """
        fallit* | errore | errori | manutenzione | guasto | interruzione | ripristinat* | server | completat* |
        allarme | stato | avviso
    """,
    "appointment": """
        appuntamento | il suo appuntamento | rinviat* | spostat* | lezione | lezioni | classe | scuola | genitori |
        medico | dottor* | dentista | visita | esame | esami | referto | officina | auto | tecnico | treno | volo |
        binario | partenza | arrivo | camera | hotel | colloquio | candidatura | condominio | ore # | alle #
    """,
    "people": """
        dipendent* | stipendio | busta paga | contratto di lavoro | tua candidatura | sua candidatura | posizione |
        risorse umane | malattia | selezione
    """,
    "record": """
        conserva | conservi | conservare | riferimento | numero | data | messaggio automatico | automatico | non
        rispondere | nessuna azione | se ha già | ricevuta
    """,
}

# Phrases that honest and selling mail both use: they vote under a name of their own.
AMBIGUOUS = """
    offerta | offerte | sconto* | sconti | gratis | gratuit* | omaggio | regalo | buono | promo | a partire da # |
    invece di | questo weekend | fino a domenica | scade | ultimi | prenota | scopri | registrati | inizia | attiva
    | maggiori informazioni | partecipa | complimenti | congratulazioni | selezionat* | non ancora | carrello |
    premio | interessat* | novità | lancio | inaugurazione | esclusiv* | mi chiamo | le scrivo | vi scrivo | il
    nostro team | i nostri clienti | offriamo | leader | aumentare | ridurre | aiuto | prestito | investimento |
    collaborazione | catalogo | # minuti | dieci minuti | domani | la prossima settimana | posso | possiamo | potrei
    | disponibile | un caffè | il mio messaggio | la mia email | numero | questa settimana | questo mese | articol*
    | notizie | consigli | settimanale | mensile | riepilogo | newsletter | invito | iscrizione | posti | workshop |
    conferenza | laboratorio | sondaggio | valutazione | domande | # domande | amic* | un amico | torna | premium |
    assicurazione | illimitat* | upgrade | unic* | perfett* | ideale | migliori | pubblicità | ciao a tutti |
    gentile cliente | gentili clienti | totale | importo | carta | pagamento | fattura | scadenza | consegna |
    spedizione | pacco | in arrivo | accesso | valido | sicurezza | verifica | richiesto | contratto | garanzia | il
    tuo account | modifica | dal # | preventivo | preventivo # | scusa | squadra | ufficio | sala | documento | dati
    | visita | auto | treno | hotel | data | stato | ordine # | il tuo ordine | conferma ordine | entro venerdì |
    appuntamento | dottor* | camera | conferma d'ordine | avviso | dentista | alle # | a persona | in sospeso |
    nostro consulente
"""
