"""Names of languages: from what containers say (ISO 639-2, mostly) to what playlists want (RFC 5646). Pure."""

import re

# The shortest tag is the right one (RFC 5646, 2.2.1); containers use either of two three-letter codes for some.
SHORTEST = {
    "ara": "ar", "chi": "zh", "zho": "zh", "cze": "cs", "ces": "cs", "dan": "da", "dut": "nl", "nld": "nl",
    "eng": "en", "fin": "fi", "fre": "fr", "fra": "fr", "ger": "de", "deu": "de", "gre": "el", "ell": "el",
    "heb": "he", "hin": "hi", "hun": "hu", "ind": "id", "ita": "it", "jpn": "ja", "kor": "ko", "may": "ms",
    "msa": "ms", "nor": "no", "per": "fa", "fas": "fa", "pol": "pl", "por": "pt", "rum": "ro", "ron": "ro",
    "rus": "ru", "spa": "es", "swe": "sv", "tha": "th", "tur": "tr", "ukr": "uk", "vie": "vi",
}  # fmt: skip
# What a menu shows: a language's name in itself.
NAMES = {
    "ar": "العربية", "zh": "中文", "cs": "Čeština", "da": "Dansk", "nl": "Nederlands", "en": "English", "fi": "Suomi",
    "fr": "Français", "de": "Deutsch", "el": "Ελληνικά", "he": "עברית", "hi": "हिन्दी", "hu": "Magyar",
    "id": "Bahasa Indonesia", "it": "Italiano", "ja": "日本語", "ko": "한국어", "ms": "Bahasa Melayu", "no": "Norsk",
    "fa": "فارسی", "pl": "Polski", "pt": "Português", "ro": "Română", "ru": "Русский", "es": "Español",
    "sv": "Svenska", "th": "ไทย", "tr": "Türkçe", "uk": "Українська", "vi": "Tiếng Việt",
}  # fmt: skip
UNDETERMINED = "und"
# Language with optional script, region and variants; anything else in a file's header is no language.
TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")


def language_tag(said: str | None) -> str:
    """The RFC 5646 tag of what a file says; `und` where it says nothing or nonsense."""
    if said is None or TAG.fullmatch(said) is None:
        return UNDETERMINED
    language, _, rest = said.partition("-")
    tag = SHORTEST.get(language.lower(), language.lower())
    return f"{tag}-{rest}" if rest else tag


def language_name(tag: str) -> str:
    """What a menu calls a track in this language."""
    return NAMES.get(tag.partition("-")[0], "Audio" if tag == UNDETERMINED else tag)
