"""What the system itself says on a page, in the languages that a page may speak; and dates as they are written. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

LANGUAGES = {"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español"}

# key: English, German, French, Spanish
TABLE: dict[str, tuple[str, str, str, str]] = {
    "operational": ("Operational", "In Betrieb", "Opérationnel", "Operativo"),
    "under_maintenance": ("Maintenance", "Wartung", "Maintenance", "Mantenimiento"),
    "degraded": ("Degraded", "Eingeschränkt", "Dégradé", "Degradado"),
    "partial_outage": ("Partial outage", "Teilausfall", "Panne partielle", "Caída parcial"),
    "major_outage": ("Major outage", "Ausfall", "Panne majeure", "Caída grave"),
    "all_operational": ("All systems operational", "Alle Systeme laufen", "Tous les systèmes fonctionnent",
                        "Todos los sistemas funcionan"),
    "all_under_maintenance": ("Maintenance in progress", "Wartung läuft", "Maintenance en cours", "Mantenimiento en curso"),
    "all_degraded": ("Some systems are degraded", "Einige Systeme sind eingeschränkt", "Certains systèmes sont dégradés",
                     "Algunos sistemas están degradados"),
    "all_partial_outage": ("Partial outage", "Teilausfall", "Panne partielle", "Caída parcial"),
    "all_major_outage": ("Major outage", "Ausfall", "Panne majeure", "Caída grave"),
    "affected": ("Affected", "Betroffen", "Concernés", "Afectados"),
    "investigating": ("Investigating", "Wird untersucht", "En cours d’analyse", "Investigando"),
    "identified": ("Identified", "Ursache gefunden", "Cause identifiée", "Identificado"),
    "monitoring": ("Monitoring", "Wird beobachtet", "Sous surveillance", "En observación"),
    "resolved": ("Resolved", "Behoben", "Résolu", "Resuelto"),
    "scheduled": ("Planned", "Geplant", "Planifiée", "Planificado"),
    "in_progress": ("In progress", "Läuft", "En cours", "En curso"),
    "completed": ("Done", "Beendet", "Terminée", "Terminado"),
    "cancelled": ("Cancelled", "Abgesagt", "Annulée", "Cancelado"),
    "maintenance_now": ("Maintenance now", "Wartung jetzt", "Maintenance en cours", "Mantenimiento ahora"),
    "maintenance_coming": ("Maintenance coming", "Geplante Wartung", "Maintenance prévue", "Mantenimiento previsto"),
    "components": ("Components", "Komponenten", "Composants", "Componentes"),
    "days_ago": ("90 days ago", "vor 90 Tagen", "il y a 90 jours", "hace 90 días"),
    "today": ("today", "heute", "aujourd’hui", "hoy"),
    "up": ("up", "verfügbar", "disponible", "disponible"),
    "no_data": ("no data", "keine Daten", "pas de données", "sin datos"),
    "last_90": ("last 90 days", "letzte 90 Tage", "90 derniers jours", "últimos 90 días"),
    "outages_on": ("outages on", "Ausfälle am", "pannes le", "caídas el"),
    "no_outage": ("no outage", "kein Ausfall", "aucune panne", "ninguna caída"),
    "and": ("and", "und", "et", "y"),
    "last_14": ("Last 14 days", "Letzte 14 Tage", "14 derniers jours", "Últimos 14 días"),
    "nothing_14": ("No notices in the last 14 days.", "Keine Meldungen in den letzten 14 Tagen.",
                   "Aucun avis ces 14 derniers jours.", "Sin avisos en los últimos 14 días."),
    "nothing_month": ("No notices in this month.", "Keine Meldungen in diesem Monat.", "Aucun avis ce mois-ci.",
                      "Sin avisos este mes."),
    "history": ("History", "Verlauf", "Historique", "Historial"),
    "earlier": ("Earlier", "Früher", "Plus tôt", "Antes"),
    "later": ("Later", "Später", "Plus tard", "Después"),
    "subscribe": ("Subscribe", "Abonnieren", "S’abonner", "Suscribirse"),
    "calendar": ("Calendar", "Kalender", "Calendrier", "Calendario"),
    "as_of": ("As of", "Stand", "Au", "A fecha de"),
    "since": ("since", "seit", "depuis", "desde"),
    "until": ("until", "bis", "jusqu’à", "hasta"),
    "edited": ("edited", "bearbeitet", "modifié", "editado"),
    "legend": ("How to read the bars: taller is worse", "Die Balken: je höher, desto schlimmer",
               "Les barres : plus haut, plus grave", "Las barras: más alto, más grave"),
    "back": ("Back to the status page", "Zurück zur Statusseite", "Retour à la page d’état", "Volver a la página de estado"),
    "is_now": ("is now", "ist jetzt", "est maintenant", "está ahora"),
    "window_before": ("Reminder", "Erinnerung", "Rappel", "Recordatorio"),
    "window_started": ("Maintenance has begun", "Wartung hat begonnen", "La maintenance a commencé",
                       "El mantenimiento ha comenzado"),
    "window_ended": ("Maintenance is over", "Wartung ist beendet", "La maintenance est terminée",
                     "El mantenimiento ha terminado"),
    "window_cancelled": ("Maintenance is cancelled", "Wartung ist abgesagt", "La maintenance est annulée",
                         "El mantenimiento se ha cancelado"),
    "window_moved": ("Maintenance has a new time", "Wartung hat eine neue Zeit", "La maintenance a un nouvel horaire",
                     "El mantenimiento tiene un nuevo horario"),
    "we_look": ("We are looking into it.", "Wir gehen dem nach.", "Nous enquêtons.", "Lo estamos investigando."),
    "it_is_over": ("This is resolved.", "Dies ist behoben.", "Le problème est résolu.", "Esto está resuelto."),
    "status_page": ("Status page", "Statusseite", "Page d’état", "Página de estado"),
    "unsubscribe": ("Unsubscribe or change", "Abbestellen oder ändern", "Se désabonner ou modifier", "Cancelar o cambiar"),
    "confirm": ("Confirm", "Bestätigen", "Confirmer", "Confirmar"),
    "confirm_subject": ("Confirm your subscription", "Bestätigen Sie Ihr Abonnement", "Confirmez votre abonnement",
                        "Confirme su suscripción"),
    "confirm_text": ("Somebody, probably you, wants news of {page} at this address. Nothing else is sent before you press "
                     "the button behind this link, which counts for 24 hours.",
                     "Jemand, wahrscheinlich Sie, möchte Nachrichten von {page} an diese Adresse. Nichts weiter wird "
                     "gesendet, bevor Sie den Knopf hinter diesem Link drücken; er gilt 24 Stunden.",
                     "Quelqu’un, sans doute vous, souhaite recevoir les nouvelles de {page} à cette adresse. Rien "
                     "d’autre ne sera envoyé avant que vous appuyiez sur le bouton derrière ce lien, valable 24 h.",
                     "Alguien, probablemente usted, quiere noticias de {page} en esta dirección. No se enviará nada más "
                     "antes de que pulse el botón tras este enlace, válido 24 horas."),
    "skip": ("Skip to content", "Zum Inhalt", "Aller au contenu", "Ir al contenido"),
}
MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
}
DAY = {"en": "{day} {month}", "de": "{day}. {month}", "fr": "{day} {month}", "es": "{day} de {month}"}


class Words:
    """The words of one language, of this table and `more`: `w("resolved")`, `w.day(date)`."""

    def __init__(self, language: str, more: Mapping[str, tuple[str, str, str, str]] | None = None) -> None:
        self._more = more or {}
        self.language = language if language in LANGUAGES else "en"
        self._at = list(LANGUAGES).index(self.language)
        self._months = MONTHS[self.language].split()

    def __call__(self, key: str) -> str:
        """The word; one that is in no table is itself."""
        found = TABLE.get(key) or self._more.get(key)
        return found[self._at] if found else key

    def month(self, day: date) -> str:
        """`March 2026`."""
        return f"{self._months[day.month - 1]} {day.year}"

    def day(self, day: date) -> str:
        """`3 March`."""
        return DAY[self.language].format(day=day.day, month=self._months[day.month - 1])

    def moment(self, at: datetime, zone: ZoneInfo) -> str:
        """`3 March, 14:10` by the clock of the page."""
        here = at.astimezone(zone)
        return f"{self.day(here)}, {here:%H:%M}"

    def listed(self, texts: list[str]) -> str:
        """`a, b and c`."""
        return f" {self('and')} ".join(filter(None, (", ".join(texts[:-1]), texts[-1] if texts else "")))

    def uptime(self, percent: float | None) -> str:
        """`99.95 %`, as the language writes it."""
        if percent is None:
            return self("no_data")
        text = f"{percent:.2f}"
        return f"{text if self.language == 'en' else text.replace('.', ',')}\u00a0%"
