"""How people write to one another, and how offices write, in all the languages.

`talk` is what people say to somebody they know: about keys, being late, thanks, family,
who brings what. `notice` is what authorities, courts, schools, surgeries, insurers and
employers write. Neither mentions anything that is for sale.
"""

_TALK_EN = """
    lots of love | hugs | xx | mum | dad | grandma | grandpa | the kids | the children | the dog | the cat | the
    cats | the baby | darling | dear family | dear friends and | see you then | see you there | see you on | see you
    tomorrow | see you soon | see you at | works for me | suits me | fine by me | fine with me | good with me |
    sounds good | sounds lovely | sounds great to | no worries | no rush | no hurry | i'll bring | i'll pick | i'll
    be there | i'll be late | i'll be away | i'll be about | i'll be off | i'll be in | i'll be out | i'll chase |
    i'll ask | i'll check | i'll look into | i'll do | i'll take | i'll have a | i'll get back | i'll ring | i'm
    running | i'm away | i'm off | i'm out | i'm on leave | i'm ill | i'm stuck | i'm at home | i'm so sorry | i'm
    sorry | i am sorry | i am away | i'm afraid | we'll bring | we'll be | i've left | i left | i've put | i put
    them | i've asked | i've spoken | i've talked | i've opened a | i've attached | i've moved | i've booked | i've
    paid | i've told | i forgot | i missed | i think we | i don't think | i'm not sure | i'm unsure | i wonder
    whether | could you check | could you look | can you check | can you look | could you have a look at | could you
    send | can you send | could you forward | do you remember | do you still have | did you manage | when you get a
    | when you have time | when you're back | on my way | my train | my flight | my number | my mobile | my phone |
    my car | my wife | my husband | my mother | my father | my sister | my brother | my son | my daughter | my
    office is | my fault | my bad | running late | stuck in | start without | catch up later | pick up the | drop
    off | drop them | borrowed | lend me | lent | porter | neighbour | padlock | spare key | the garden | the boiler
    | the car | the van | thanks again | thanks so much | thank you so much | thank you for looking | thank you for
    having | thanks for having | thanks for letting | thanks for the log | thanks for the screenshot | thanks for
    writing in | thanks for getting back | thanks for your patience | thanks for doing | just wanted to say | just
    to let you know | to let you know that | quick update | a quick heads | short notes | notes from the | minutes
    of | hand-over | handing over | is away | covers for | stands in for | not in the office | back on monday | back
    on the | take care | get well | speak soon | speak later | talk later | give me a ring | give me a shout | shout
    if | ping me | who has | has anyone | does anyone | anyone seen | anybody | if you're in | if you can come | can
    you make it | can't make it | cannot make it | won't be able | bring a | bring your own | our garden | our place
    | your place | my place | at ours | at yours | at mine | the wedding | the birthday | the funeral | the match |
    the pitch is | training is | bibs | kick off at | the choir | rehearsal | the club | committee | parents | the
    trip | blocked by | is blocked | i'm blocked | in review | please review | merged | standup | stand-up | retro |
    sprint | post-mortem | postmortem | rolled back | the wiki | the draft is | your draft | marked-up | your
    comments | my comments | page # | the ledger | auditors | our client | our side | we accept | we agree | we
    disagree | yours sincerely | yours faithfully | your letter of | as agreed on | as we agreed | as i promised |
    attached as promised | died | passed away | condolence* | in hospital | new baby | was born | moved house | new
    address | new number | we talked it over | talked it over | put that to | go up to | moving in | by the way | on
    our side | from our side | on your side | i've uploaded | i uploaded | i've invited | i've signed | we signed |
    i'm least sure | least sure | chapter | professor | supervisor | would it be possible | before you leave |
    before it goes to | can we settle | settle this | have open | can't add | i can't | i couldn't | we couldn't | i
    haven't | i've just | i just | i'll send | i'll upload | i'll update | i'll let you know | i'll forward | i'll
    sort | i'll order | i'll cook | let me know whether | let me know which | let me know by | tell me by | tell me
    whether | tell me if you | does that work | is that ok | is that okay | ok for you | okay for you | is somebody
    home | is anybody home | anyone home | let him in | let her in | let them in | the plumber | the electrician |
    the landlord | the builder | the neighbours | the tap | the roof | the shed | the flat | the house | the kitchen
    | the school | bedtime | babysit* | pick you up | pick me up | give you a lift | a lift | carpool | dinner at |
    lunch at | coffee at | birthday | anniversary | wedding | exam | homework | my boss | my manager | my team | our
    admin | our cto | our accountant | our lawyer | my lawyer | who proofreads | proofread* | numbers for | figures
    for | spreadsheet | the plan is | the budget | wants # | was asking | asked me to | asked whether | could we
    move | could you move | move the meeting | push the | swap shifts | swap with | cover for | cover my | on annual
    leave | parental leave | sick today | working from home
"""
_TALK = f"""
    {_TALK_EN} |
    ich komme lieber | ich komme | im wagen | die leiter | kurz bescheid | wer nicht kann | wie besprochen |
    hausmeister | der schlüssel | die schlüssel | liebe grüße | lg | viele grüße | bis dann | bis morgen | bis bald
    | bis später | schönes wochenende | schönen abend | schönen urlaub | ich bin nicht im | ich bin im urlaub | ich
    bin krank | ich komme später | ich verspäte | ich bringe | ich hole | ich kümmere mich | ich melde mich | ich
    habe dir | ich schicke dir | kannst du | könntest du | hast du | weißt du | danke dir | danke euch | vielen
    lieben dank | vertritt mich | vertretung | nicht im haus | im laufwerk | das protokoll | die protokolle | hallo
    zusammen | liebe kolleginnen | liebe kollegen | liebe eltern | liebe familie | liebe nachbarn | mama | papa |
    oma | opa | geburtstag | entschuldige | tut mir leid | wie vereinbart | passt mir | passt bei mir | sag bescheid
    | gib bescheid | bescheid geben | meine nummer | mein zug | coucou | papi | mamie | j'ai enfin | je te mets | je
    te les | tu préfères | les photos | les clés | la clé | le gardien | bisous | bises | je t'embrasse | à demain |
    à bientôt | à jeudi | à lundi | à mardi | à mercredi | à vendredi | à samedi | à dimanche | bon week-end | me
    convient | ça me va | j'apporte | je préviens | je serai en retard | je suis en retard | je suis absent* | je
    serai absent* | je passe te | tu peux | peux-tu | pourrais-tu | est-ce que tu | as-tu | merci encore | merci à
    toi | merci à tous | compte rendu | procès-verbal | chers parents | chers collègues | chère famille | chers
    voisins | maman | désolé* | comme convenu | comme promis | mon train | mon numéro | appelle-moi | préviens-moi |
    dis-moi | salut | en casa de | yo llevo la | la merienda | que me escriba | el próximo encuentro | leemos | las
    llaves | el portero | la portería | un abrazo | besos | un beso | hasta mañana | hasta luego | hasta el | nos
    vemos | buen fin de semana | me viene bien | me va bien | yo llevo | llego tarde | llegaré tarde | estoy fuera |
    estaré fuera | estoy enferm* | puedes | podrías | has visto | gracias de nuevo | mil gracias | acta de la | el
    acta | queridos padres | queridos compañeros | estimados vecinos | mamá | papá | lo siento | como quedamos |
    como acordamos | mi tren | mi número | llámame | avísame | dime si | cualquier cosa | vecinos | as chaves | a
    chave | beijo* | abraço* | até amanhã | até logo | até já | bom fim de semana | para mim está | eu levo | vou me
    atrasar | estou atrasad* | estarei fora | estou de férias | você pode me | podes | obrigad* de novo | muito
    obrigad* | a ata da | queridos pais | caros colegas | prezados vizinhos | mãe | pai | desculpa* | como combinado
    | meu trem | meu número | me liga | me avisa | qualquer coisa | vizinh* | le chiavi | la chiave | portineria |
    un abbraccio | baci | a domani | a presto | ci vediamo | buon fine settimana | per me va bene | porto io | sono
    in ritardo | arrivo tardi | sono fuori | sarò fuori | sono in ferie | puoi | potresti | hai visto | grazie
    ancora | grazie mille | il verbale | cari genitori | cari colleghi | gentili condomini | mamma | scusa | mi
    dispiace | come d'accordo | come promesso | il mio treno | il mio numero | chiamami | fammi sapere | dimmi se |
    ciao | oppas | vrijdag lukt | dat lukt | lukt het | ik kan er | mag ik | moeten ze | hoe laat | de sleutel | de
    sleutels | groetjes | liefs | kusjes | tot morgen | tot straks | tot dan | tot donderdag | fijn weekend | prima
    voor mij | komt mij uit | ik neem mee | ik breng | ik ben later | ik ben te laat | ik ben er niet | ik ben ziek
    | ik ben vrij | kun je | kan je | zou je | heb jij | nogmaals bedankt | dank je wel | bedankt voor het | notulen
    | beste ouders | beste collega's | lieve familie | beste buren | het spijt me | zoals afgesproken | mijn trein |
    mijn nummer | bel me | laat me weten | laat even weten | de buren | ключи | целую | обнимаю | до завтра | до
    встречи | хороших выходных | мне подходит | я привезу | я возьму | опоздаю | опаздываю | я в отпуске | я болею |
    можешь | сможешь | ты не | спасибо большое | ещё раз спасибо | протокол собрания | дорогие родители | коллеги |
    мама | папа | бабушка | извини | прости | как договорились | позвони | звони | если что | привет
"""
_NOTICE_EN = """
    hereby | notice is | you are hereby | notice of | registered office | general meeting | proxy | agenda: accounts
    | hearing | court | courtroom | judgment | judgement | tribunal | plaintiff | defendant | claimant | motion to |
    pursuant to | in accordance with | under section | clause # | section # | article # of | statutory | legal
    obligation | right to object | you may object | may object | may appeal | your appeal | right of appeal | within
    one month | within # days of | without prejudice | undersigned | authority | council | the office of | ministry
    | customs | tax return | tax office | tax assessment | valuation | permit number | licence number | case number
    | docket | claim number | your claim | insurance claim | we have assessed | policyholder | the excess | the
    insured | deposit is returned | tenancy | your notice | termination of | we confirm receipt | confirm receipt of
    | enclosed | please find enclosed | data protection | personal data | unauthorised person | unauthorized person
    | data breach | recall | stop using | your application for | application was | application has been | applying
    for | thank you for applying | other candidates | another candidate | other applicants | another applicant | not
    been successful | unsuccessful | decided not to proceed | not to move forward | will not be moving | on this
    occasion | keep your details on file | keep your application | we wish you | every success | all the best for
    your future | position of | the position | the post of | the vacancy | the role of | interview panel | the panel
    | the board has | the board agreed | careful consideration | after consideration | named you as a referee |
    referee | start date | starting salary | annual salary | your contract is attached | your shift | your rota |
    your leave | absence | marked absent | pupil* | your child | school office | term dates | graded | your grade |
    your assignment | the next assignment | your essay | the exam | exam results | enrolled in | your course | the
    surgery | the ward | the nurse | your results are | blood test | your prescription | repeat prescription |
    referral to the | booster is due | is due for his | is due for her | vaccination | your dentist | dental | the
    vet | insurance card | photo id | boarding | departure gate | departs from | is cancelled | was cancelled | your
    ticket is valid | any other train | replacement bus | check-in opens | check-in from | reservation number | your
    reservation | your booking | booking is confirmed | is booked | has been booked | our engineer | our driver |
    the driver | the courier | will be with you | will be with you on | at home | a neighbour | pickup point |
    collection point | ready to collect | ready for collection | redeliver* | second delivery | has been assigned |
    was assigned to you | reported by | priority: | next update | investigating | we are investigating | mitigated |
    root cause | post-incident | affected customers | scheduled for | planned work | no action is needed | no action
    required | you don't need to do anything | you do not need to do anything | nothing to do | was changed | was
    changed on | has been reset | not you? | wasn't you | if this was you | if that was you | didn't ask for this |
    did not ask for this | didn't request this | did not request this | someone asked | somebody asked | don't share
    | do not share | never ask you for | finish signing in | sign-in code | login code | passcode | one-time |
    expires in # | works once | recovery codes | was switched on | was switched off | as you asked | as requested |
    you asked us to | at your request | data subject | supervisory authority | data protection officer | right to
    ask | right of access | rectification | erasure | entitled to compensation | compensation | regulation # |
    regulation | your complaint | complaint | we looked into | after reviewing | we reviewed your | we have reviewed
    | bank details | payroll | payroll runs | timesheets | hr portal | pension scheme | first salary | pay slip |
    payslip | people operations | alert fired | fired at | runbook | metric | silence | on backorder | backorder |
    follows around | the rest follows | tracking | left today | we hold it | hold your table | table for # |
    allergic | your slot | slot with | each conversation | billed at the regular | regular price from | introductory
    price ends | when you joined | your plan is billed | nothing else changes | see or change | moved you to |
    boarding pass | lounge | here's what you ordered | here is what you ordered | your balance is | method: |
    receipt: | received your payment | for rent | unit # | property management | lease | resubmit | could not verify
    | could not be verified | document you uploaded | documents you uploaded | identity check | proof of address |
    somebody may know | may know your password | good for # | enter this on | enter this code | if you weren't |
    weren't trying | the page you have open | accepted your request | was approved | has been approved | was
    declined | not approved | denied | request # | ref: | ref. | replacement buses | service is suspended | strike |
    weather warning | evacuation | lost property | found your | warranty claim | repair order | repaired | ready for
    pick-up | inspection report | test certificate | prescription | dosage | dose | discharge | ward | clinic letter
    | welcome aboard | welcome on board | glad you decided | glad you joined | glad you're here | happy you joined |
    happy to have you on | you now have access | creating an account | created an account | your account is active |
    set up your account | complete your profile | finish setting | getting started guide | help center | help centre
    | our documentation | login information | your username | your user name | your login is | you've started a |
    you're all set | willkommen bei | ihr konto wurde | ihr zugang | bienvenue chez | votre compte a été | vos
    identifiants | bienvenido a | bienvenida a | tu cuenta ha sido | benvenuto in | benvenuta in | il tuo account |
    bem-vindo | bem-vinda | sua conta foi | welkom bij | je account is
"""
_NOTICE = f"""
    {_NOTICE_EN} |
    ist bei uns eingegangen | eingegangen | liegt bei | versandetikett | elternabend findet | klassenfahrt | wahl
    der | reklamation | erstattung | erstattet | genehmigt | abgelehnt | ihr antrag | antrag | urlaubsantrag |
    lohnabrechnung | gehaltsabrechnung | entschädigung | auskunft nach | personenbezogene | tracking-nummer |
    zählerstand | ablesung | hiermit | bescheid | widerspruch | einspruch | aktenzeichen | geschäftszeichen |
    amtsgericht | finanzamt | gemäß | nach maßgabe | ziffer # | ziffern | paragraf* | fristgerecht | ihre kündigung
    | kündigungsbestätigung | schadensnummer | ihre schadenmeldung | selbstbeteiligung | vertragsnummer | ihre
    bewerbung | bewerbungsunterlagen | ihre unterlagen | anderen bewerber | andere bewerber | leider haben wir uns |
    vorstellungsgespräch | für ihren weiteren | alles gute für | zeugnis | elternabend | elternbeirat | schulleitung
    | versichertenkarte | praxis geschlossen | befund | überweisung zum | impftermin | wir bestätigen | wir
    bestätigen ihren | hiermit bestätigen | sie müssen nichts | nichts weiter tun | nichts zu tun | kein
    handlungsbedarf | störung | behoben | wartungsarbeiten | nicht einverstanden | geschäftsbedingungen |
    nutzungsbedingungen | datenschutz* | sendungsnummer | zustellung | zusteller | liegt zur abholung | abholbereit
    | nicht angetroffen | gleis | flug | umgebucht | wie gewünscht | auf ihren wunsch | wenn sie das nicht waren |
    nicht von ihnen | niemandem weiter | code lautet | ihr code | ist gültig | steuernummer | bankverbindung |
    abbuchung | abgebucht | beitrag | verwendungszweck | anbei die rechnung | est interrompu | reprise | circulent |
    colis suspect | réclamation | remboursement | remboursé* | votre demande | acceptée | refusée | bulletin de paie
    | congés | attestation | justificatif | indemnisation | données vous concernant | par la présente | convocation
    | tribunal | avis de | avis d'échéance | mise en demeure | conformément | votre dossier | numéro de dossier |
    référence du dossier | votre sinistre | franchise de | résiliation | votre candidature | donner suite à votre
    candidature | ne pouvons y donner | retenu un autre | autre candidat | pleine réussite | entretien d'embauche |
    conseil de classe | rendez-vous est confirmé | votre rendez-vous | empêchement | carte vitale | ordonnance | vos
    résultats | aucune action | rien à faire | interruption | maintenance | rétabli | conditions générales | données
    personnelles | remis au transporteur | livraison prévue | point relais | votre colis | à votre demande | suite à
    votre demande | si ce n'était pas vous | ce n'était pas vous | ne le communiquez | ne communiquez | votre code |
    sera prélevé* | prélèvement | le service comptable | échéance | changez votre mot | su reclamación | reclamación
    | reembolso | hemos abonado | abonado | cobro | su caso | solicitud | aprobada | denegada | nómina | vacaciones
    | certificado | justificante | indemnización | lamentamos | por la presente | notificación | juzgado | conforme
    a | expediente | su siniestro | franquicia | baja voluntaria | su candidatura | tu candidatura | otras personas
    candidatas | continuar con otr* | otro candidato | su currículum | recursos humanos | entrevista de trabajo |
    tutoría | su cita | tu cita | recordatorio de | no puede acudir | tarjeta sanitaria | receta | sus resultados |
    no tiene que hacer nada | no tienes que hacer | no estará disponible | mantenimiento | incidencia | restablecido
    | condiciones de | protección de datos | salido del almacén | llegará el | punto de recogida | su paquete | tu
    paquete | como solicit* | como me pediste | si no has sido tú | si no fue usted | no lo compartas | tu código |
    su código | caduca en | se cargará | domiciliación | cargo se realizará | vencimiento | reclamação | sua
    solicitação | solicitação | aprovada | foram aprovadas | negada | holerite | férias | comprovante | indenização
    | adiantamento | pela presente | notificação | nos termos | processo n | sinistro | rescisão | sua candidatura |
    outro candidato | outros candidatos | desejamos sucesso | entrevista de emprego | sua consulta | lembrete de |
    não possa comparecer | receita médica | seus resultados | nenhuma ação | não precisa fazer | indisponível |
    manutenção | restabelecido | termos de uso | proteção de dados | saiu para entrega | chega na | chega no | seu
    pacote | ponto de coleta | conforme solicitado | se não foi você | não compartilhe | seu código | o seu código |
    vale por | será debitado | vence no | vencimento | boleto | reclamo | rimborso | la sua richiesta | è stata
    accolta | accolta | respinta | busta paga | ferie | certificato | accreditato | indennizzo | esito della | con
    la presente | convocazione | tribunale | ai sensi | pratica n | numero di pratica | recesso | recedere | la sua
    candidatura | altro candidato | altri candidati | le auguriamo | ufficio del personale | risorse umane |
    colloquio | consiglio di classe | il suo appuntamento | promemoria | non può venire | tessera sanitaria |
    ricetta medica | i suoi referti | nessuna azione | non deve fare nulla | non sarà disponibile | manutenzione |
    ripristinato | condizioni del contratto | dati personali | consegna prevista | il suo pacco | il tuo pacco |
    come richiesto | se non sei stato tu | non comunicarlo | non condividerlo | il tuo codice | il codice è | vale #
    minuti | sarà addebitato | scadenza | bonifico | klacht | terugbetaling | uw aanvraag | je aanvraag |
    goedgekeurd | afgewezen | loonstrook | verlof | bewijs | ingeschreven voor | inschrijving | lokaal # |
    cursusgeld | is ontvangen | meterstand | hierbij | kennisgeving | rechtbank | beschikking | bezwaar |
    dossiernummer | kenmerk | schadeclaim | eigen risico | opzegging | je sollicitatie | uw sollicitatie | andere
    kandidaat | wensen je veel | wensen u veel | sollicitatiegesprek | ouderavond | uw afspraak | je afspraak | kunt
    u niet komen | uiterlijk een dag | zorgpas | recept | uw uitslag | u hoeft niets | je hoeft niets | niet
    bereikbaar | onderhoud | storing | verholpen | excuses voor het | voorwaarden | persoonsgegevens | bezorging |
    de bezorger | uw pakket | je pakket | afhaalpunt | zoals gevraagd | op uw verzoek | was u dit niet | was jij dit
    niet | deel deze code | uw code | je code | afgeschreven | incasso | vervaldatum | настоящим | уведомление | суд
    | заявление | постановление | номер дела | страховой случай | жалоба | возврат | расторжение | ваше резюме |
    другого кандидата | собеседование | желаем успехов | вы записаны | к врачу | напоминаем | сообщите нам | ваши
    результаты | ничего делать | технические работы | недоступен | восстановлен* | условия | персональных данных |
    доставка запланирована | пункт выдачи | посылка | по вашему запросу | если это были не вы | никому не | ваш код
    | код подтверждения | во вложении | просим оплатить | бухгалтерия | счёт на
"""

PHRASES = {"talk": _TALK, "notice": _NOTICE}
AMBIGUOUS = """
    xx | hugs | at home | authority | council | court | enclosed | scheduled for | your booking | your reservation |
    one-time | the car | the garden | the kids | the children | parents | the club | the trip | see you at | see you
    there | sounds good | i'll do | i'll take | i'll have a | as requested | maintenance | the position |
    interruption | your results are | dental | vaccination | your course | salut | ciao | puoi | puedes | podes |
    kun je | kan je | hast du | kannst du | papa | mama | i put them | i'm off | we'll be | page # | no rush | speak
    soon | take care | condiciones de | условия | beitrag | datenschutz* | bescheid | störung | flug | vecinos |
    vizinh* | qualquer coisa | cualquier cosa | laat me weten | viele grüße | recall | section # | is booked |
    convocation | nos vemos | ci vediamo | hasta el | bel me | storing | onderhoud | notice of | your ticket is
    valid | referral to the | recept | scadenza | échéance | vencimiento | vencimento | chapter | birthday |
    anniversary | wedding | exam | the kitchen | the house | the flat | the school | my team | i just | i can't |
    i'll send | regulation | compensation | complaint | silence | metric | tracking | lounge | strike | clinic
    letter | ward | dose | lease | unit # | was approved | payroll | bank details | antrag | ich komme | férias |
    ferie | vacaciones | congés | verlof | les photos | solicitud | reprise | i've just | the plan is | the budget |
    does that work | coffee at | lunch at | dinner at | let me know which | inschrijving | certificado | certificato
    | attestation | bewijs | mag ik | spreadsheet | the roof | push the | asked me to | i couldn't | your slot |
    professor | supervisor | request # | die leiter | hoe laat | we signed | my manager | wie besprochen
"""
