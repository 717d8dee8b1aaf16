"""The texts of the unsubscribe page in the languages of the footer."""

from collections.abc import Mapping
from dataclasses import dataclass

from relay.http.paper import BROKEN


@dataclass(frozen=True, slots=True)
class Words:
    """{sender} is the sender's name, {address} the recipient's address."""

    title: str
    question: str
    scope: str
    only: str
    everything: str
    button: str
    done: str
    done_detail: str
    broken: tuple[str, str]


WORDS: Mapping[str, Words] = {
    "en": Words(
        "Unsubscribe",
        "{address} will get no more marketing mail from {sender}.",
        "Stop mail from",
        "only {sender}",
        "everyone at this organisation",
        "Unsubscribe",
        "You are unsubscribed",
        "{address} will get no more of these messages.",
        BROKEN,
    ),
    "de": Words(
        "Abmelden",
        "{address} erhält keine Werbung von {sender} mehr.",
        "Keine Nachrichten mehr von",
        "nur {sender}",
        "allen in dieser Organisation",
        "Abmelden",
        "Sie sind abgemeldet",
        "{address} erhält keine solchen Nachrichten mehr.",
        (
            "Dieser Link funktioniert nicht",
            "Vielleicht ist er abgeschnitten. Öffnen Sie ihn noch einmal aus der Nachricht oder kopieren Sie ihn ganz.",
        ),
    ),
    "fr": Words(
        "Se désabonner",
        "{address} ne recevra plus de messages commerciaux de {sender}.",
        "Ne plus recevoir de messages de",
        "seulement {sender}",
        "toute cette organisation",
        "Se désabonner",
        "Vous êtes désabonné",
        "{address} ne recevra plus ces messages.",
        (
            "Ce lien ne fonctionne pas",
            "Il a peut-être été coupé. Ouvrez-le de nouveau depuis le message, ou copiez-le en entier.",
        ),
    ),
    "es": Words(
        "Cancelar la suscripción",
        "{address} no recibirá más mensajes comerciales de {sender}.",
        "No recibir más mensajes de",
        "solo {sender}",
        "toda esta organización",
        "Cancelar la suscripción",
        "Suscripción cancelada",
        "{address} no recibirá más estos mensajes.",
        ("Este enlace no funciona", "Puede que esté cortado. Ábralo de nuevo desde el mensaje o cópielo entero."),
    ),
    "pt": Words(
        "Cancelar a inscrição",
        "{address} não receberá mais mensagens comerciais de {sender}.",
        "Não receber mais mensagens de",
        "apenas {sender}",
        "toda esta organização",
        "Cancelar a inscrição",
        "Inscrição cancelada",
        "{address} não receberá mais estas mensagens.",
        (
            "Esta ligação não funciona",
            "Talvez tenha sido cortada. Abra-a de novo a partir da mensagem ou copie-a por inteiro.",
        ),
    ),
    "it": Words(
        "Annulla l'iscrizione",
        "{address} non riceverà più messaggi commerciali da {sender}.",
        "Non ricevere più messaggi da",
        "solo {sender}",
        "tutta questa organizzazione",
        "Annulla l'iscrizione",
        "Iscrizione annullata",
        "{address} non riceverà più questi messaggi.",
        ("Questo link non funziona", "Forse è stato troncato. Lo apra di nuovo dal messaggio o lo copi per intero."),
    ),
    "nl": Words(
        "Uitschrijven",
        "{address} ontvangt geen reclame meer van {sender}.",
        "Geen berichten meer van",
        "alleen {sender}",
        "iedereen in deze organisatie",
        "Uitschrijven",
        "U bent uitgeschreven",
        "{address} ontvangt deze berichten niet meer.",
        (
            "Deze link werkt niet",
            "Misschien is hij afgekapt. Open hem opnieuw vanuit het bericht of kopieer hem in zijn geheel.",
        ),
    ),
    "ja": Words(
        "配信停止",
        "{address} には {sender} からの宣伝メールが届かなくなります。",
        "配信を停止する差出人",
        "{sender} のみ",
        "この組織のすべての差出人",
        "配信を停止する",
        "配信を停止しました",
        "{address} には今後このようなメールは届きません。",
        (
            "このリンクは無効です",
            "途中で切れている可能性があります。メールからもう一度開くか、リンク全体をコピーしてください。",
        ),
    ),
}


def language_of(accept: str, fallback: str) -> str:
    """The reader's most preferred language that we have, else the sender's, else English."""
    for part in accept.lower().split(",")[:10]:
        tongue = part.partition(";")[0].strip().partition("-")[0]
        if tongue in WORDS:
            return tongue
    tongue = fallback.lower().partition("-")[0]
    return tongue if tongue in WORDS else "en"
