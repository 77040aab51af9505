"""What partners are told by the system itself, in the languages that a status page may speak. Pure."""

from __future__ import annotations

# key: English, German, French, Spanish
PARTNERS: dict[str, tuple[str, str, str, str]] = {
    "partner_status": ("Partner status", "Status für Partner", "État pour partenaires", "Estado para socios"),
    "sign_in": ("Sign in", "Anmelden", "Se connecter", "Entrar"),
    "by_mail": (
        "Get a link by mail",
        "Link per E-Mail anfordern",
        "Recevoir un lien par e-mail",
        "Recibir un enlace por correo"),
    "no_password": (
        "No password. The link opens the pages that were shared with you.",
        "Kein Passwort. Der Link öffnet die Seiten, die mit Ihnen geteilt wurden.",
        "Pas de mot de passe. Le lien ouvre les pages partagées avec vous.",
        "Sin contraseña. El enlace abre las páginas compartidas con usted."),
    "your_email": ("Your e-mail", "Ihre E-Mail-Adresse", "Votre e-mail", "Su correo electrónico"),
    "send_link": ("Send the link", "Link senden", "Envoyer le lien", "Enviar el enlace"),
    "new_link": ("Send a new link", "Neuen Link senden", "Envoyer un nouveau lien", "Enviar otro enlace"),
    "on_its_way": (
        "If this address is known, a link is on its way.",
        "Wenn diese Adresse bekannt ist, ist ein Link unterwegs.",
        "Si cette adresse est connue, un lien est en route.",
        "Si esta dirección es conocida, un enlace está en camino."),
    "look_in_spam": (
        "It works for 15 minutes, once. Nothing there? Look in spam, then ask again.",
        "Er gilt 15 Minuten, einmal. Nichts da? Sehen Sie im Spam nach, dann fordern Sie ihn neu an.",
        "Il vaut 15 minutes, une fois. Rien ? Regardez dans les indésirables, puis redemandez.",
        "Vale 15 minutos, una vez. ¿Nada? Mire en el correo no deseado y pídalo de nuevo."),
    "open": ("Open", "Öffnen", "Ouvrir", "Abrir"),
    "continue_as": ("Continue as {who}", "Weiter als {who}", "Continuer en tant que {who}", "Continuar como {who}"),
    "you_stay": (
        "You stay signed in here for 24 hours.",
        "Sie bleiben hier 24 Stunden angemeldet.",
        "Vous restez connecté ici pendant 24 heures.",
        "Seguirá conectado aquí 24 horas."),
    "open_pages": (
        "Open the status pages",
        "Statusseiten öffnen",
        "Ouvrir les pages d’état",
        "Abrir las páginas de estado"),
    "opens_nothing": (
        "This link opens nothing",
        "Dieser Link öffnet nichts",
        "Ce lien n’ouvre rien",
        "Este enlace no abre nada"),
    "link_rule": (
        "A link works once, for 15 minutes, and only the newest one. Ask for another.",
        "Ein Link gilt einmal, 15 Minuten, und nur der neueste. Fordern Sie einen anderen an.",
        "Un lien vaut une fois, 15 minutes, et seul le plus récent. Demandez-en un autre.",
        "Un enlace vale una vez, 15 minutos, y solo el más reciente. Pida otro."),
    "not_found": ("Not found", "Nicht gefunden", "Introuvable", "No encontrado"),
    "no_page": (
        "There is no page here for you",
        "Hier ist keine Seite für Sie",
        "Il n’y a pas de page ici pour vous",
        "Aquí no hay ninguna página para usted"),
    "not_shared": (
        "It is not there, or it was not shared with you.",
        "Es gibt sie nicht, oder sie wurde nicht mit Ihnen geteilt.",
        "Elle n’existe pas, ou n’a pas été partagée avec vous.",
        "No existe, o no se ha compartido con usted."),
    "your_pages": ("Your pages", "Ihre Seiten", "Vos pages", "Sus páginas"),
    "shared_with": ("Shared with {who}", "Geteilt mit {who}", "Partagé avec {who}", "Compartido con {who}"),
    "shared_until": ("shared until", "geteilt bis", "partagé jusqu’au", "compartido hasta el"),
    "nothing_wrong": (
        "Nothing is known to be wrong",
        "Keine Störung bekannt",
        "Aucun problème connu",
        "No se conoce ningún problema"),
    "nothing_shared": (
        "No page is shared with you now",
        "Zurzeit ist keine Seite mit Ihnen geteilt",
        "Aucune page n’est partagée avec vous",
        "Ninguna página está compartida con usted ahora"),
    "ask_them": (
        "Ask whoever shared one with you.",
        "Fragen Sie, wer sie mit Ihnen geteilt hat.",
        "Demandez à qui l’a partagée avec vous.",
        "Pregunte a quien la compartió con usted."),
    "signed_in_as": (
        "Signed in as {who}",
        "Angemeldet als {who}",
        "Connecté en tant que {who}",
        "Conectado como {who}"),
    "log_out": ("Log out", "Abmelden", "Se déconnecter", "Salir"),
    "for_only": (
        "For {who} only. Please do not pass it on.",
        "Nur für {who}. Bitte nicht weitergeben.",
        "Pour {who} seulement. Merci de ne pas transmettre.",
        "Solo para {who}. Por favor, no la comparta."),
    "mail_subject": (
        "Your link to the status pages",
        "Ihr Link zu den Statusseiten",
        "Votre lien vers les pages d’état",
        "Su enlace a las páginas de estado"),
    "mail_text": (
        "Hello {name},\n\nthis link opens the status pages that were shared with you: {pages}. It works for 15 "
        "minutes, once. If you did not ask for it, do nothing: nobody gets in without it.\n",
        "Guten Tag {name},\n\ndieser Link öffnet die Statusseiten, die mit Ihnen geteilt wurden: {pages}. Er gilt 15 "
        "Minuten, einmal. Wenn Sie ihn nicht angefordert haben, tun Sie nichts: ohne ihn kommt niemand hinein.\n",
        "Bonjour {name},\n\nce lien ouvre les pages d’état partagées avec vous : {pages}. Il vaut 15 minutes, une "
        "fois. Si vous ne l’avez pas demandé, ne faites rien : sans lui, personne n’entre.\n",
        "Hola, {name}:\n\neste enlace abre las páginas de estado compartidas con usted: {pages}. Vale 15 minutos, "
        "una vez. Si no lo ha pedido, no haga nada: sin él nadie entra.\n"),
}
