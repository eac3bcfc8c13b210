//! Words with letters of several scripts, one of which may be used to imitate the other.

use icu_properties::props::Script;
use icu_properties::script::{ScriptWithExtensions, ScriptWithExtensionsBorrowed};

use super::{imitation, is_mark};

/// Scripts that one language uses together, and together with Latin: the highly restrictive level of [UTS 39
/// §5.2](https://www.unicode.org/reports/tr39/#highly_restrictive).
const USED_TOGETHER: [&[Script]; 3] = [
    &[Script::Latin, Script::Han, Script::Hiragana, Script::Katakana],
    &[Script::Latin, Script::Han, Script::Bopomofo],
    &[Script::Latin, Script::Han, Script::Hangul],
];

/// Scripts in which a foreign name may occur within a word: some have no spaces between words, others attach
/// articles and endings to the name. None of them has upper and lower case, unlike Cyrillic and Greek, which
/// resemble Latin.
const BESIDE_LATIN: [Script; 18] = [
    Script::Arabic,
    Script::Bengali,
    Script::Devanagari,
    Script::Gujarati,
    Script::Gurmukhi,
    Script::Hebrew,
    Script::Kannada,
    Script::Khmer,
    Script::Lao,
    Script::Malayalam,
    Script::Myanmar,
    Script::Oriya,
    Script::Sinhala,
    Script::Tamil,
    Script::Telugu,
    Script::Thaana,
    Script::Thai,
    Script::Tibetan,
];

/// The first letter whose script differs from that of the letters before it in the same word, if the two are
/// not used together.
pub(super) fn stray(name: &str) -> Option<char> {
    if name.is_ascii() {
        return None;
    }
    let is_in_word = |c: char| c.is_alphanumeric() || is_mark(c) || matches!(c, '\u{200C}' | '\u{200D}');
    name.split(|c| !is_in_word(c)).find_map(|word| Word::of(word).stray())
}

struct Word {
    scripts: ScriptWithExtensionsBorrowed<'static>,
    /// The letters without marks, which resemble no letter, and without characters that all scripts share,
    /// such as digits.
    letters: Vec<char>,
}

impl Word {
    fn of(word: &str) -> Self {
        let scripts = ScriptWithExtensions::new();
        let is_shared =
            |c: char| scripts.has_script(c, Script::Common) || scripts.has_script(c, Script::Inherited);
        let is_letter = |c: &char| c.is_alphanumeric() && !is_mark(*c) && !is_shared(*c);
        Self { scripts, letters: word.chars().filter(is_letter).collect() }
    }

    fn stray(&self) -> Option<char> {
        let first = *self.letters.first()?;
        let mut of_first = self.scripts.get_script_extensions_val(first).iter();
        let is_well_written = of_first.any(|script| self.is_written_in(&[script]))
            || USED_TOGETHER.iter().any(|scripts| self.is_written_in(scripts))
            || BESIDE_LATIN.iter().any(|script| self.contains_latin_name(*script));
        if is_well_written {
            return None;
        }
        let script = self.scripts.get_script_val(first);
        self.letters.iter().copied().find(|c| !self.scripts.has_script(*c, script)).or(Some(first))
    }

    fn is_written_in(&self, scripts: &[Script]) -> bool {
        self.letters.iter().all(|c| scripts.iter().any(|script| self.scripts.has_script(*c, *script)))
    }

    /// Whether a word of the other script contains one run of Latin letters, and each other part contains a
    /// letter that does not resemble a Latin one.
    fn contains_latin_name(&self, other: Script) -> bool {
        let is_latin = |c: char| self.scripts.has_script(c, Script::Latin);
        let mut parts = self.letters.chunk_by(|before, after| is_latin(*before) == is_latin(*after));
        let names = self.letters.chunk_by(|before, after| is_latin(*before) == is_latin(*after));
        let names = names.filter(|part| part.first().is_some_and(|c| is_latin(*c)));
        self.is_written_in(&[Script::Latin, other])
            && names.count() == 1
            && parts.all(|part| part.iter().any(|c| is_latin(*c) || !imitation::looks_latin(*c)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_letter_of_a_foreign_script_is_found() {
        for (name, letter) in [
            ("pаypal", 'а'),
            ("Bank of Аmerica", 'm'),
            ("gοοgle", 'ο'),
            ("Οracle", 'r'),
            ("օracle", 'r'),
            ("Ꭺcme", 'c'),
            ("Reports Вank", 'a'),
            ("payра1", 'р'),
            ("Привeт", 'e'),
            ("東京Отчёт", 'О'),
            ("gססgle", 'ס'),
            ("paypaו", 'ו'),
            ("한국Ω", 'Ω'),
        ] {
            assert_eq!(stray(name), Some(letter), "{name}");
        }
    }

    #[test]
    fn real_names_do_not_mix_scripts() {
        for name in [
            "Harbour Reports (2)",
            "Müller & Søn, Łódź, Đà Nẵng, Ñandú, ʻOkina",
            "Отчёты CRM 2",
            "Пётр-Peter",
            "Αθήνα/Athens",
            "トヨタ自動車の在庫",
            "Tシャツ管理",
            "ｶﾀｶﾅ",
            "データベースDB",
            "中文ABC版",
            "ㄅㄆ注音A",
            "한국어SW漢字",
            "ระบบERPของเรา",
            "الـCRM والمبيعات",
            "ה־CRM וה-ERP, מערכתCRM",
            "हिन्दी CRM२",
            "Երևան",
            "თბილისი",
            "ᏣᎳᎩ",
            "می\u{200C}خواهم",
            "5µm H₂O ½",
            "Mu\u{308}ller Е\u{308}ж",
            "ⓢⓛ 𝐒𝐥",
            "",
        ] {
            assert_eq!(stray(name), None, "{name}");
        }
    }
}
