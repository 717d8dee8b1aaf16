"""French."""

PHRASES = {
    "discount": """
        remise* | réduction* | % de remise | % de réduction | % sur | jusqu'à # % | soldes | solde | promo | promos |
        promotion* | code promo | bon de réduction | bon d'achat | offre* | offre spéciale | prix réduit* | prix doux
        | moitié prix | à partir de # | au lieu de | économisez | économiser | livraison offerte | livraison gratuite
        | offert* | cadeau* | gratuit* | bonnes affaires | bon plan | déstockage | ventes privées | vente privée |
        tarif préférentiel | avantage* | premier mois | à partir de | pose comprise | vol compris | mois offerts |
        premiers clients | est offerte | sont offerts | prix d'ami
    """,
    "urgency": """
        aujourd'hui seulement | ce soir | jusqu'à minuit | avant minuit | dernière chance | dernier jour | derniers
        jours | dernières heures | plus que # | durée limitée | limitée | stocks disponibles | limite des stocks | ne
        manquez pas | ne ratez pas | dépêchez-vous | vite | places limitées | ce week-end | jusqu'à dimanche | avant
        dimanche | avant vendredi | si vous signez | si vous commandez | cette semaine seulement | uniquement | se
        termine
    """,
    "buy": """
        j'en profite | profitez | profitez-en | achetez | commandez | commander maintenant | acheter | je commande |
        je découvre | découvrez | découvrir | en profiter | voir l'offre | voir les offres | inscrivez-vous | réservez
        | je réserve | je m'inscris | essayez | essayer gratuitement | essai gratuit | abonnez-vous | craquez |
        offrez-vous | cliquez ici | en savoir plus | avec le code | utilisez le code | boutique | ajoutez | passez à |
        testez | appelez-nous | appelez | réservez avant | validez | changez | venez découvrir | goûter | demandez
    """,
    "prospect": """
        vous attend | vous attendent | réservé pour vous | sélectionné* | éligible | votre panier | dans votre panier
        | pas encore commandé | non commandé | intéressé* | si cela vous intéresse | vous avez gagné | gagnez |
        gagnant | félicitations | concours | avant de partir | mis de côté | vous payez trop | non validée | votre
        dossier indique | pourriez | en attente | pas encore
    """,
    "launch": """
        nouvelle collection | nouveauté* | nouvelle gamme | notre nouveau | notre nouvelle | nos nouveaux | nos
        nouvelles | vient d'arriver | est arrivé* | sont arrivé* | lancement | lançons | disponible dès |
        avant-première | exclusi* | ouverture | en avant-première
    """,
    "pitch": """
        nous aidons | nous accompagnons | j'aide | j'accompagne | notre solution | notre logiciel | notre plateforme |
        notre outil | notre service | notre offre | notre équipe | nos clients | nos experts | nos conseillers | des
        clients comme | des entreprises comme | des boutiques comme | comme la vôtre | comme le vôtre | votre
        entreprise | votre boutique | votre activité | votre restaurant | votre cabinet | votre secteur | je suis
        tombé | j'ai vu | j'ai remarqué | j'ai découvert | je me permets | permets de vous | je m'appelle | nous
        proposons | nous sommes spécialis* | nous fabriquons | nous livrons | spécialis* | leader | étude de cas |
        doublé | doubler | augmenter | réduire vos | réduisez | gagner du temps | gagnez du temps | plus de clients |
        chiffre d'affaires | sans engagement | sans frais | sans obligation | devis gratuit | audit gratuit |
        partenariat | collaboration | référencement | investissement | placement | crédit | rendement | la plupart des
        | imaginez | saviez-vous | catalogue | plaquette | échantillon* | démonstration | vos dossiers | gagner cinq
        heures | heures par semaine | sans commission | notre conseiller | restaurants | un confrère | aidons les |
        panneaux solaires | tout seul | vos fenêtres | nos prix | voici nos prix
    """,
    "ask": """
        # minutes | quinze minutes | dix minutes | vingt minutes | un appel | un échange | échanger | court appel |
        vous appeler | vous rappeler | on se parle | se parler | êtes-vous disponible | disponible cette | auriez-vous
        | avez-vous un moment | un créneau | rendez-vous avec | une démo | vous montrer | vous présenter | la semaine
        prochaine | demain | puis-je | pouvons-nous | souhaitez-vous | seriez-vous | qu'en pensez-vous | je vous
        propose | dites-moi | un café | venez | vous le montrer | vous appelle | vous irait | dix minutes jeudi | on
        se parle demain
    """,
    "chase": """
        je reviens vers vous | je reviens vers | mon dernier message | mon précédent | mon mail | mon courriel | mon
        message | je vous ai écrit | relance | relancer | avez-vous pu | pas eu de retour | sans nouvelles | sans
        réponse de votre | dernière tentative | une dernière fois | la semaine dernière je | suite à mon | toujours
        intéressé*
    """,
    "newsletter": """
        newsletter | infolettre | bulletin | lettre d'information | numéro | cette semaine | ce mois-ci | au sommaire
        | dans ce numéro | lire la suite | lire l'article | article* | à la une | actualités | actus | blog | podcast
        | épisode | conseils | astuces | recette* | tendances | inspiration | chers lecteurs | nos sections | édition
        | hebdomadaire | mensuel* | notables | à lire | bonne lecture | au jardin | les nouvelles | notre recette | la
        lettre | lettre de
    """,
    "event": """
        invitation | nous vous invitons | vous êtes invité* | vous invite | invite* | salon | stand # | webinaire* |
        conférence | atelier* | portes ouvertes | soirée | dégustation | concert | festival | inscription* | places |
        rejoignez | venez | rencontrez | journée | intervenants | entrée libre | nous vous attendons | venez nombreux
    """,
    "survey": """
        sondage | enquête | questionnaire | votre avis | votre opinion | donnez votre | notez | évaluez | évaluer |
        recommanderiez | recommander | satisfaction | êtes-vous satisfait* | quelques minutes | quelques questions | #
        questions | aidez-nous
    """,
    "referral": "parrain* | invitez vos | vos amis | un ami | une amie | vous a invité* | filleul* | recommand* à vos",
    "winback": """
        vous nous manquez | vous nous avez manqué | revenez | de retour | ça fait longtemps | cela fait longtemps |
        depuis votre dernière | on ne vous voit plus | bon retour | nous quitter | envie de
    """,
    "upsell": """
        passez à | passer à | premium | formule supérieure | abonnement annuel | version pro | illimité* | débloquez |
        plus d'espace | options | extension de garantie | assurance | accessoires | améliorez
    """,
    "hype": """
        incroyable* | exceptionnel* | magnifique* | parfait* | coup de cœur | coups de cœur | irrésistible* |
        meilleur* | idéal* | rêve | plaisir | unique* | favoris | luxe | surprise | envie | craquant*
    """,
    "bulk": """
        désabonner | se désabonner | désinscrire | se désinscrire | désinscription | voir dans le navigateur | version
        en ligne | ne plus recevoir | publicité
    """,
    "crowd": """
        chers clients | chères clientes | cher client | chers amis | bonjour à tous | madame monsieur | chers
        gourmands | chers passionnés | chers voisins
    """,
    "order": """
        votre commande | commande # | numéro de commande | confirmation de commande | détails de la commande |
        sommaire de la commande | merci pour votre commande | merci pour votre achat | votre achat | votre réservation
        | réservation confirmée | votre billet | quantité | annulée | annulation | prête à | retrait | votre
        abonnement | article commandé
    """,
    "paid": """
        facture* | reçu | sous-total | total | montant | payé* | paiement | règlement | réglé | prélèvement | virement
        | échéance | échue | impayé* | en retard | rappel de paiement | remboursement | remboursé* | tva | carte |
        carte bancaire | débité | avoir | bulletin de paie | relevé | solde dû | iban
    """,
    "shipping": """
        expédié* | expédition | livraison | livré* | livraison prévue | colis | suivi | numéro de suivi | transporteur
        | en route | sera livré* | adresse de livraison | point relais | a été envoyé*
    """,
    "security": """
        mot de passe | réinitialiser | réinitialisation | code de vérification | code de sécurité | votre code | code
        à usage unique | usage unique | confirmer votre | confirmer mon | confirmez votre | confirmation | vérifier
        votre | nouvelle connexion | connexion | connecté* | appareil | verrouillé* | déverrouill* | si vous n'avez
        pas | si vous n'êtes pas | n'avez pas demandé | demandé | ignorer cet | ignorez ce | expire | valable | ne
        partagez | double authentification | sécurité
    """,
    "account": """
        votre compte | vos informations | votre profil | votre adresse | a été modifié* | a été mis à jour | ont été
        mis* | a été créé | a été supprimé* | a été résilié* | résiliation | renouvel* | sera renouvelé | conditions
        générales | conditions d'utilisation | confidentialité | changement de | modification de | à compter du | à
        partir du | contrat | votre contrat | votre forfait | vos données | période d'essai | essai prend fin | numéro
        client | bienvenue | rappel de produit | garantie | inscription confirmée | assuré | mutuelle | vous connecter
        | vous pouvez vous connecter | compte a été
    """,
    "answer": """
        votre demande | votre question | vos questions | comme demandé | comme convenu | vous avez demandé | vous nous
        avez demandé | vous souhaitiez | suite à votre | en réponse | merci pour votre message | merci de votre
        message | votre message | votre courrier | votre appel | ci-joint* | en pièce jointe | vous trouverez | devis
        | devis # | désolé* | excuses | corrigé* | résolu* | ticket | malheureusement | il nous reste | petit-déjeuner
        compris | je vous la réserve
    """,
    "work": """
        réunion | compte rendu | compte-rendu | ordre du jour | collègue* | équipe | bureau | salle | merci de
        vérifier | merci de valider | validation | valider | pouvez-vous | peux-tu | pourrais-tu | pourriez-vous |
        brouillon | rapport | tableau | dossier | budget | congés | absence | planning | formation | client a |
        bonjour à toutes | pour information | rappel | trimestre | chiffres | à signer | document* | bail |
        propriétaire | signature | je signe | clé | article # | te convient | relire
    """,
    "system": """
        échec | échoué | erreur* | maintenance | panne | incident | interruption | rétabli* | serveur | sauvegarde |
        terminé* | alerte | statut
    """,
    "appointment": """
        votre rendez-vous | rendez-vous | rappel de rendez-vous | reporté* | déplacé* | annulé* | classe | cours |
        école | parents d'élèves | médecin | docteur | cabinet | examen | résultats | garage | technicien | train |
        vol | quai | départ | arrivée | chambre | hôtel | séjour | candidature | entretien | locataire* | chauffage |
        coupure | heures | heure
    """,
    "people": """
        salarié* | salaire | paie | congé | contrat de travail | votre candidature | poste | ressources humaines |
        arrêt maladie | mutuelle | recrutement | retraite
    """,
    "record": """
        à conserver | conserver | veuillez conserver | référence | numéro | date | message automatique | automatique |
        ne pas répondre | aucune action | si vous avez déjà | justificatif
    """,
}

# Phrases that honest and selling mail both use: they vote under a name of their own.
AMBIGUOUS = """
    remise* | offre* | gratuit* | promo | solde | avantage* | au lieu de | à partir de # | cadeau* | offert* | cette
    semaine | vite | boutique | en savoir plus | ajoutez | réservez | profitez | sélectionné* | intéressé* |
    félicitations | éligible | ouverture | lancement | nouveauté* | notre équipe | nos clients | notre service |
    nous proposons | augmenter | collaboration | crédit | catalogue | démonstration | investissement | placement |
    je m'appelle | # minutes | dix minutes | quinze minutes | vingt minutes | demain | la semaine prochaine | un
    échange | un appel | puis-je | venez | un café | mon message | article* | numéro | ce mois-ci | conseils |
    actualités | newsletter | bulletin | édition | hebdomadaire | invitation | inscription* | places | invite* |
    conférence | journée | soirée | salon | atelier* | stand # | rejoignez | votre avis | enquête | # questions |
    vos amis | un ami | assurance | premium | illimité* | options | passer à | meilleur* | plaisir | idéal* |
    unique* | parfait* | publicité | bonjour à tous | madame monsieur | total | montant | carte | facture* | avoir |
    livraison | colis | en route | confirmation | connexion | valable | expire | sécurité | contrat | garantie |
    votre compte | à partir du | votre demande | comme convenu | devis | devis # | désolé* | équipe | bureau | salle
    | dossier | document* | budget | formation | rappel | heures | heure | train | cours | école | classe | hôtel |
    date | référence | en attente | votre commande | commande # | votre rendez-vous | rendez-vous avec | cher client
    | demandé | dr | vol | séjour | cabinet | serveur | validation | appelez | demandez | à partir de | confirmation
    de commande
"""
