# ruff: noqa: E501 (one message a line)
"""One follow-up in twenty wordings, as an agent writes it again and again; two more matters, and mail that is not it."""

# A seller's follow-up on a proposal; nothing new is said in any of them.
FOLLOW_UPS: tuple[tuple[str, str], ...] = (
    ("Following up on the Routewise proposal", "Hi Dana,\n\nI wanted to follow up on the Routewise proposal I sent last week. Would you have 15 minutes on Thursday to go through the numbers for your fleet?\n\nBest,\nMilo"),
    ("Routewise proposal: any thoughts?", "Hello Dana,\n\njust checking in on the proposal for Routewise. Did you get a chance to look at the fleet savings? I'm happy to walk you through it in a short call this week.\n\nMilo"),
    ("Quick nudge on Routewise", "Hi Dana, bumping my note about Routewise to the top of your inbox. If cutting diesel for the fleet is still on your list, the proposal shows how. Does Thursday work for a quick call?\nCheers, Milo"),
    ("Your fleet and Routewise", "Dear Dana,\n\nI have not heard back about the proposal, so I thought I would write once more. Routewise plans routes for fleets like yours and the numbers looked promising. When could we speak?\n\nKind regards\nMilo"),
    ("Re: Routewise", "Dana, circling back here. Have you been able to review the Routewise proposal? I would love to hear what the fleet team thinks of it.\n- Milo"),
    ("Checking in", "Hi Dana,\n\nhope your week is going well. I'm writing about the Routewise proposal for your fleet that I shared the other day. Any questions I can answer? A 15 minute call is enough.\n\nBest regards,\nMilo"),
    ("Did you see the proposal?", "Good morning Dana, I realise things get busy. Did the Routewise proposal reach you? I think your fleet could benefit a lot, and I'd be glad to explain the savings over the phone.\nMilo"),
    ("Next steps for Routewise", "Hello Dana,\n\nI'd like to agree on next steps for Routewise. You have the proposal with the savings for your fleet. Shall we talk on Thursday or Friday?\n\nMilo"),
    ("Still interested in Routewise?", "Hi Dana, are you still interested in lowering what your fleet spends on diesel? The Routewise proposal is waiting for your feedback. Let me know a time and I'll call you.\nThanks, Milo"),
    ("Time for a call about the proposal?", "Hey Dana,\n\nwould a brief call about the Routewise proposal make sense this week? I can show how the fleet numbers came about. Fifteen minutes should do.\n\nMilo"),
    ("Following up once more", "Hello again Dana,\n\none more message from my side regarding Routewise. The proposal I prepared for your fleet stays valid. I would appreciate a short reply, even if it is a no.\n\nKind regards, Milo"),
    ("Routewise for your planners", "Hi Dana, my earlier email may have been buried, so here it is in short: Routewise helps your planners, the fleet burns less diesel, and the proposal has all the figures. Could we chat on Thursday?\nMilo"),
    ("A gentle reminder", "Dear Dana,\n\na gentle reminder about the Routewise proposal. If there's somebody else in the fleet department I should talk to, please point me in the right direction.\n\nBest wishes\nMilo"),
    ("Thoughts on the fleet savings?", "Dana,\n\ncurious to hear what you think of the savings in our Routewise proposal. Which part of the fleet would you start with? I'm free on Thursday for a conversation.\n\nMilo"),
    ("Can I help with the decision?", "Hi Dana, I know decisions take time. If anything in the Routewise proposal is unclear I can send more detail on the fleet calculation or jump on a quick call.\nBest, Milo"),
    ("Re: proposal", "Hi Dana,\nI'm getting in touch again because I believe Routewise fits your fleet well. The proposal is in your inbox from last week. Do you have a quarter of an hour for me on Thursday?\nMilo"),
    ("Touching base on Routewise", "Hello Dana, touching base to see where you stand with the Routewise proposal. Happy to adapt it to the size of your fleet if needed. When suits you?\nWarm regards, Milo"),
    ("Routewise: shall we talk?", "Hi Dana,\n\nshall we have a word about Routewise? I put the proposal together with your fleet in mind and would be happy to discuss the savings whenever it suits you.\n\nMilo"),
    ("Last note about the proposal", "Dana, this will be my last note about Routewise. If saving diesel across the fleet becomes a priority again, the proposal is there. Otherwise I won't bother you any further.\nAll the best, Milo"),
    ("Have you decided?", "Dear Dana,\n\nhave you come to a decision on Routewise? The proposal covers your whole fleet, and I could arrange a pilot within two weeks. Looking forward to hearing from you.\n\nMilo"),
)  # fmt: skip

# Another matter, in German.
NACHFASSEN: tuple[tuple[str, str], ...] = (
    ("Nochmal zu Praxiskasse", "Guten Tag Frau Dr. Born,\n\nich wollte kurz nachfragen, ob Sie sich das Angebot zu Praxiskasse ansehen konnten. Die Abrechnung für Ihre Praxis wäre damit in einer Stunde erledigt. Darf ich Sie am Mittwoch anrufen?\n\nHerr Kiel"),
    ("Praxiskasse: hatten Sie Gelegenheit?", "Sehr geehrte Frau Dr. Born,\n\nhatten Sie schon Gelegenheit, unser Angebot zu lesen? Mit Praxiskasse sparen Sie bei der Abrechnung viel Zeit. Ein kurzes Telefonat genügt.\n\nMit freundlichen Grüßen\nKiel"),
    ("Ihre Abrechnung", "Frau Dr. Born, vielleicht ist meine Mail untergegangen: Praxiskasse nimmt Ihrer Praxis die Abrechnung ab. Wann passt es Ihnen, darüber zu sprechen? Viele Grüße, Kiel"),
    ("Letzter Versuch", "Guten Tag Frau Dr. Born, ein letztes Mal zu Praxiskasse: Das Angebot gilt noch, und die Umstellung der Abrechnung übernehmen wir für Ihre Praxis. Rufen Sie mich gern an. Kiel"),
    ("Kurze Rückfrage", "Sehr geehrte Frau Dr. Born,\nist Praxiskasse für Ihre Praxis noch ein Thema? Gern zeige ich Ihnen am Mittwoch, wie die Abrechnung läuft.\nKiel"),
    ("Praxiskasse und Ihre Praxis", "Hallo Frau Dr. Born, ich melde mich noch einmal wegen der Abrechnung in Ihrer Praxis. Haben Sie Fragen zum Angebot von Praxiskasse? Ich bin am Mittwoch erreichbar. Grüße, Kiel"),
)  # fmt: skip

# A third, and shorter.
SHORT: tuple[tuple[str, str], ...] = (
    ("Office fruit", "Hi Kim, any news on the fruit baskets for your office? Lena"),
    ("Fruit baskets", "Hello Kim, just wanted to ask whether your office would like to try our fruit baskets. Best, Lena"),
    ("Baskets for the office?", "Kim, did you have a chance to think about fruit baskets at the office? A free one is waiting. Lena"),
    ("Fresh fruit", "Hi Kim, following up about fruit for the office. Shall I bring a basket by on Monday? Lena"),
    ("Re: fruit", "Dear Kim, I'm still happy to send a sample fruit basket to your office. Which day suits? Lena"),
)  # fmt: skip

# Different commercial mail by one mailbox to one person: not a loop.
DIFFERENT: tuple[tuple[str, str], ...] = (
    ("Routewise webinar on 12 May", "Hi Dana, on 12 May our customers from Hansen Freight show how they plan winter tours. Register here to watch: https://routewise.example.com/webinar"),
    ("New: driver app for Android", "Dear Dana, the driver app is out. Navigation for lorries, proof of delivery by photo, works offline. Download it in the store."),
    ("How was onboarding?", "Hello Dana, you finished the training course. Please rate the instructor and the material in our survey, three questions."),
    ("Invoice address", "Hi Dana, which company name and VAT number shall we print on the contract? Milo"),
    ("Summer party at our office", "You are invited to our barbecue on 4 July in Leeds. Bring your family, there is a band and ice cream."),
    ("Offer: tyre pressure sensors", "Dear Dana, through our partner Presta we can offer tyre pressure sensors at 29 each. They pay off after 8,000 miles."),
    ("Case study: refrigerated transport", "Attached is the story of Polar Foods, which cut spoiled goods by half with temperature alarms in every trailer."),
    ("Refer a colleague", "Do you know another haulier who still plans on paper? Introduce us and receive a voucher for a dinner for two."),
)  # fmt: skip
