//! Words whose letters are of several scripts, where one may be there to be taken for the other.

use icu_properties::props::Script;
use icu_properties::script::{ScriptWithExtensions, ScriptWithExtensionsBorrowed};

use super::{imitation, is_mark};

/// Scripts that the orthographies of one language use together, and with Latin: those of
/// [UTS 39 §5.2](https://www.unicode.org/reports/tr39/#highly_restrictive), highly restrictive.
const USED_TOGETHER: [&[Script]; 3] = [
    &[Script::Latin, Script::Han, Script::Hiragana, Script::Katakana],
    &[Script::Latin, Script::Han, Script::Bopomofo],
    &[Script::Latin, Script::Han, Script::Hangul],
];

/// Scripts in which a foreign name stands in the middle of a word: some set no blanks between words, others set articles
/// and endings at the name. None of them has letters in two cases, as Cyrillic and Greek do, which look like Latin ones.
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

/// The first letter of another script than the letters before it in the same word, where the two are not written together.
pub(super) fn stray(name: &str) -> Option<char> {
    if name.is_ascii() {
        return None;
    }
    let is_in_word = |c: char| c.is_alphanumeric() || is_mark(c) || matches!(c, '\u{200C}' | '\u{200D}');
    name.split(|c| !is_in_word(c)).find_map(|word| Word::of(word).stray())
}

struct Word {
    scripts: ScriptWithExtensionsBorrowed<'static>,
    /// Without marks, which look like no letter, and without what all scripts share, such as digits.
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
            || BESIDE_LATIN.iter().any(|script| self.holds_a_latin_name(*script));
        if is_well_written {
            return None;
        }
        let script = self.scripts.get_script_val(first);
        self.letters.iter().copied().find(|c| !self.scripts.has_script(*c, script)).or(Some(first))
    }

    fn is_written_in(&self, scripts: &[Script]) -> bool {
        self.letters.iter().all(|c| scripts.iter().any(|script| self.scripts.has_script(*c, *script)))
    }

    /// Whether Latin letters stand together in a word of the other script, of which each part can be told from Latin.
    fn holds_a_latin_name(&self, other: Script) -> bool {
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
    fn a_word_of_several_scripts_is_found_with_its_stray_letter() {
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
    fn names_as_people_write_them_have_no_stray_letter() {
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
