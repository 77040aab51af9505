"""What the pages of a subscription say, in the languages that a page may speak. Pure."""

from __future__ import annotations

# key: English, German, French, Spanish
READERS: dict[str, tuple[str, str, str, str]] = {
    "how": ("How", "Wie", "Comment", "Cómo"),
    "by_email": ("E-mail", "E-Mail", "E-mail", "Correo electrónico"),
    "by_webhook": (
        "Webhook: a signed call to an address of yours",
        "Webhook: ein signierter Aufruf an Ihre Adresse",
        "Webhook : un appel signé vers votre adresse",
        "Webhook: una llamada firmada a su dirección"),
    "by_room": (
        "a room, by the address of its incoming webhook",
        "ein Raum, über die Adresse seines eingehenden Webhooks",
        "un salon, par l’adresse de son webhook entrant",
        "una sala, por la dirección de su webhook entrante"),
    "address": (
        "E-mail address, or the address that begins with https://",
        "E-Mail-Adresse, oder die Adresse, die mit https:// beginnt",
        "Adresse e-mail, ou l’adresse qui commence par https://",
        "Correo electrónico, o la dirección que empieza por https://"),
    "about": ("What about", "Worüber", "À quel sujet", "Sobre qué"),
    "news_outage": (
        "Outages: components that fail and recover",
        "Ausfälle: Komponenten, die ausfallen und wiederkehren",
        "Pannes : composants en panne, puis rétablis",
        "Caídas: componentes que fallan y se recuperan"),
    "news_notice": (
        "Notices: what people write",
        "Meldungen: was Menschen schreiben",
        "Avis : ce que nous écrivons",
        "Avisos: lo que escribimos"),
    "news_maintenance": ("Maintenance", "Wartung", "Maintenance", "Mantenimiento"),
    "only_these": (
        "Only these components; none means all",
        "Nur diese Komponenten; keine bedeutet alle",
        "Seulement ces composants ; aucun signifie tous",
        "Solo estos componentes; ninguno significa todos"),
    "before_confirm": (
        "Nothing is sent before you confirm. Each message has a link to end it.",
        "Nichts wird gesendet, bevor Sie bestätigen. Jede Nachricht hat einen Link zum Beenden.",
        "Rien n’est envoyé avant votre confirmation. Chaque message a un lien pour y mettre fin.",
        "No se envía nada antes de que confirme. Cada mensaje tiene un enlace para terminar."),
    "you_hear_of": ("What you hear of", "Wovon Sie hören", "Ce que vous recevez", "Lo que recibe"),
    "save": ("Save", "Speichern", "Enregistrer", "Guardar"),
    "saved": ("Saved.", "Gespeichert.", "Enregistré.", "Guardado."),
    "end_it": ("End it", "Beenden", "Y mettre fin", "Terminar"),
    "is_erased": (
        "Your address is erased.",
        "Ihre Adresse wird gelöscht.",
        "Votre adresse est effacée.",
        "Su dirección se borra."),
    "end_button": (
        "End the subscription",
        "Abonnement beenden",
        "Mettre fin à l’abonnement",
        "Terminar la suscripción"),
    "has_ended": (
        "This subscription has ended.",
        "Dieses Abonnement ist beendet.",
        "Cet abonnement a pris fin.",
        "Esta suscripción ha terminado."),
    "sent_email": (
        "We sent a link to this address. Press the button behind it within 24 hours: before, nothing is sent.",
        "Wir haben einen Link an diese Adresse gesendet. Drücken Sie binnen 24 Stunden den Knopf dahinter: vorher "
        "wird nichts gesendet.",
        "Nous avons envoyé un lien à cette adresse. Appuyez sur le bouton derrière ce lien sous 24 heures : rien "
        "n’est envoyé avant.",
        "Hemos enviado un enlace a esta dirección. Pulse el botón tras él en 24 horas: antes no se envía nada."),
    "sent_room": (
        "We posted a link in this room. Press the button behind it within 24 hours: before, nothing is posted.",
        "Wir haben einen Link in diesen Raum gestellt. Drücken Sie binnen 24 Stunden den Knopf dahinter: vorher "
        "erscheint nichts.",
        "Nous avons publié un lien dans ce salon. Appuyez sur le bouton derrière ce lien sous 24 heures : rien "
        "n’est publié avant.",
        "Hemos publicado un enlace en esta sala. Pulse el botón tras él en 24 horas: antes no se publica nada."),
    "webhook_on": (
        "The webhook is subscribed.",
        "Der Webhook ist angemeldet.",
        "Le webhook est abonné.",
        "El webhook está suscrito."),
    "confirmed": (
        "This subscription is confirmed already. Each message has a link to change or end it.",
        "Dieses Abonnement ist bereits bestätigt. Jede Nachricht hat einen Link zum Ändern oder Beenden.",
        "Cet abonnement est déjà confirmé. Chaque message a un lien pour le modifier ou y mettre fin.",
        "Esta suscripción ya está confirmada. Cada mensaje tiene un enlace para cambiarla o terminarla."),
    "too_old": (
        "This link is older than 24 hours, or the subscription was ended. Subscribe again to get a new one.",
        "Dieser Link ist älter als 24 Stunden, oder das Abonnement wurde beendet. Abonnieren Sie erneut.",
        "Ce lien a plus de 24 heures, ou l’abonnement a pris fin. Abonnez-vous de nouveau.",
        "Este enlace tiene más de 24 horas, o la suscripción terminó. Suscríbase de nuevo."),
    "you_are_in": ("You are subscribed.", "Sie haben abonniert.", "Vous êtes abonné.", "Está suscrito."),
    "you_are_out": (
        "You are not subscribed any more. The address is erased.",
        "Ihr Abonnement ist beendet. Die Adresse ist gelöscht.",
        "Vous n’êtes plus abonné. L’adresse est effacée.",
        "Ya no está suscrito. La dirección se ha borrado."),
    "is_signed": (
        "Calls are signed: {header} is {version} and the HMAC-SHA256 of the time, a dot and the body. The secret "
        "is shown once:",
        "Aufrufe sind signiert: {header} ist {version} und der HMAC-SHA256 von Zeit, Punkt und Inhalt. Das "
        "Geheimnis wird einmal gezeigt:",
        "Les appels sont signés : {header} est {version} et le HMAC-SHA256 de l’heure, d’un point et du corps. Le "
        "secret est montré une fois :",
        "Las llamadas van firmadas: {header} es {version} y el HMAC-SHA256 de la hora, un punto y el cuerpo. El "
        "secreto se muestra una vez:"),
    "to_change": (
        "To change or end it:",
        "Zum Ändern oder Beenden:",
        "Pour le modifier ou y mettre fin :",
        "Para cambiarla o terminarla:"),
}
