use super::CharacterFault as Fault;
use super::*;

#[test]
fn invisible_and_ambiguous_characters_are_refused_in_every_text() {
    for number in [
        0x00AD, 0x034F, 0x061C, 0x06DD, 0x070F, 0x115F, 0x1160, 0x17B4, 0x180B, 0x180E, 0x200B, 0x200C,
        0x200D, 0x200E, 0x200F, 0x2028, 0x2029, 0x202A, 0x202E, 0x2060, 0x2061, 0x2064, 0x2066, 0x2069,
        0x206A, 0x2800, 0x3164, 0xFE00, 0xFE0F, 0xFEFF, 0xFFA0, 0xFFF9, 0x1BCA0, 0x1D173, 0xE0001, 0xE0020,
        0xE0041, 0xE007F, 0xE0100, 0xE01EF,
    ] {
        let c = char::from_u32(number).unwrap();
        for text in [format!("Harbour{c} Reports"), format!("{c}"), format!("{c}a"), format!("a{c}")] {
            assert_eq!(check(&text), Err(Fault::Invisible(number)), "U+{number:04X}");
            assert_eq!(check_name(&text), Err(Fault::Invisible(number)), "U+{number:04X}");
        }
    }
    for number in [0x0000, 0x0009, 0x000A, 0x001B, 0x007F, 0x0085, 0x009B] {
        let text = format!("a{}b", char::from_u32(number).unwrap());
        assert_eq!(check(&text), Err(Fault::Control(number)), "U+{number:04X}");
    }
    for number in
        [0x0378, 0x2065, 0xE000, 0xF8FF, 0xFFFC, 0xFFFD, 0xFFFE, 0xFDD0, 0xE0000, 0xF0000, 0x0010_FFFF]
    {
        let text = format!("a{}b", char::from_u32(number).unwrap());
        assert_eq!(check(&text), Err(Fault::Meaningless(number)), "U+{number:04X}");
    }
}

#[test]
fn no_accepted_character_is_ignorable_or_unassigned() {
    let kept = (0..=0x10_FFFF).filter_map(char::from_u32).filter(|c| fault_of(*c).is_none());
    let mut count = 0;
    for c in kept {
        count += 1;
        assert!(!CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c), "{c:?}");
        assert!(!c.is_control(), "{c:?}");
    }
    assert!(count > 100_000, "the letters of the world are there: {count}");
}

#[test]
fn check_marks_are_refused_in_every_text() {
    for c in CHECK_MARKS {
        assert_eq!(check(&format!("Verified {c}")), Err(Fault::CheckMark(c.into())), "{c}");
    }
}

#[test]
fn names_and_texts_in_all_scripts_are_accepted() {
    for text in [
        "Harbour Reports (2) – «Ø» #1",
        "Müller & Söhne",
        "Mu\u{308}ller",
        "جدول المد والجزر 🌊⚓ (2)",
        "می\u{200C}خواهم",
        "ශ්\u{200D}රී ලංකා",
        "क्\u{200C}ष",
        "株式会社\u{3000}港",
        "한국어",
        "Tiếng Việt",
        "שָׁלוֹם",
        "👩🏽 👍🏿",
        "H₂O, 5 €, ½, ∑",
    ] {
        assert_eq!(check(text), Ok(()), "{text}");
        assert_eq!(check_name(text), Ok(()), "{text}");
        assert_eq!(shown(text), text);
    }
    assert_eq!(check("Attention\u{A0}: texte"), Ok(()), "French sets a blank that does not break");
    assert_eq!(check_name("Attention\u{A0}: nom"), Err(Fault::Blank(0xA0)));
}

#[test]
fn a_joiner_outside_its_script_is_refused() {
    for text in ["a\u{200D}b", "a\u{200C}b", "م\u{200D}ی", "ا\u{200C}ب", "می\u{200C}", "👩\u{200D}💻"]
    {
        assert!(matches!(check(text), Err(Fault::Invisible(_))), "{text:?}");
    }
}

#[test]
fn too_many_marks_on_a_letter_are_refused() {
    assert_eq!(check(&format!("a{}", "\u{301}".repeat(4))), Ok(()));
    assert_eq!(check(&format!("a{}", "\u{301}".repeat(5))), Err(Fault::TooManyMarks));
    assert_eq!(check_name("\u{301}a"), Err(Fault::BeginsWithMark));
    assert_eq!(check_name("\u{20DD}"), Err(Fault::BeginsWithMark));
}

#[test]
fn names_that_imitate_the_server_are_refused() {
    for name in [
        "Sluicegate Administration",
        "sluicegate",
        "SLUICEGATE",
        "S l u i c e g a t e",
        "S.l.u.i.c.e-g_a_t_e",
        "Sluicegаte",
        "Ѕluiсegate",
        "5lu1cegate",
        "SIuicegate",
        "Slu|cegate",
        "Ｓｌｕｉｃｅｇａｔｅ",
        "𝐒𝐥𝐮𝐢𝐜𝐞𝐠𝐚𝐭𝐞",
        "ⓢⓛⓤⓘⓒⓔⓖⓐⓣⓔ",
        "Slüïcégâtè",
        "The new sluicegate.",
    ] {
        assert_eq!(check_name(name), Err(Fault::Imitation), "{name}");
        assert_eq!(check(name), Ok(()), "a description may speak of the server: {name}");
    }
    for name in ["Sluice", "Gate", "Sluices and gates", "Slice gate"] {
        assert_eq!(check_name(name), Ok(()), "{name}");
    }
}

#[test]
fn names_of_operators_are_refused_for_applications_and_users() {
    for name in [
        "Administrator",
        "ADMIN",
        "admin2",
        "Admin 2024",
        "4dm1n",
        "@dmin",
        "A d m i n",
        "sys.admin",
        "System",
        "Sy5tem",
        "The System Administrator",
        "Support",
        "IT-Support",
        "Official Support Team",
        "5upp0rt",
        "ＳＹＳＴＥＭ",
        "𝓐𝓭𝓶𝓲𝓷",
        "ᴀᴅᴍɪɴ",
        "Ádmïn",
        "root",
        "Sуstem",
        "Аdmin",
        "ꓮdmin",
    ] {
        for checked in [check_name_of_application(name), check_name_of_user(name)] {
            assert!(matches!(checked, Err(Fault::InCharge | Fault::MixedScripts(_))), "{name}: {checked:?}");
        }
    }
    for name in [
        "Badminton",
        "Ecosystem",
        "System of Records",
        "Administration of the harbour",
        "Support Tickets",
        "Rooted",
        "Supporters",
        "alice.admin",
        "admin@example.com",
        "Team",
        "User",
        "Security Service",
    ] {
        assert_eq!(check_name_of_application(name), Ok(()), "{name}");
        assert_eq!(check_name_of_user(name), Ok(()), "{name}");
    }
    for name in ["Administrator", "Support", "d2cadmin"] {
        assert_eq!(check_name(name), Ok(()), "roles and sources may: {name}");
    }
}

#[test]
fn framed_letters_and_small_cherokee_letters_are_recognised() {
    for name in [
        "🆂🅻🆄🅸🅲🅴🅶🅰🆃🅴",
        "🅢luicegate",
        "🄢🄛🄤🄘🄒🄔🄖🄐🄣🄔",
        "🇸🇱🇺🇮🇨🇪🇬🇦🇹🇪",
        "\u{13da}\u{abae}\u{ab9c}\u{ab96}\u{abaf}\u{ab7c}\u{13d0}\u{ab7a}\u{ab72}\u{ab7c}",
        "🅰dmin",
        "🅐🅓🅜🅘🅝",
        "🅢🅨🅢🅣🅔🅜",
        "🇦🇩🇲🇮🇳",
    ] {
        assert!(check_name_of_application(name).is_err(), "{name}");
        assert!(check_name_of_user(name).is_err(), "{name}");
    }
    assert_eq!(check_name_of_application("Ports of 🇸🇪"), Ok(()));
}

#[test]
fn names_that_imitate_built_in_users_are_refused() {
    let seen = |known| Err(Fault::BuiltInUser(known));
    for name in ["D2C admin", "d2c-admin", "d2cadm1n", "ｄ２ｃａｄｍｉｎ", "d2cádmin"] {
        assert_eq!(check_name_of_user(name), seen("d2cadmin"), "{name}");
        assert_eq!(check_name_of_application(name), seen("d2cadmin"), "{name}");
    }
    for name in ["d2cаdmin", "d2сadmin", "d2cusеr", "ԁ2cuser"] {
        assert!(matches!(check_name_of_user(name), Err(Fault::MixedScripts(_))), "{name}");
    }
    for name in ["d2cadmin", "D2CAdmin", "d2cuser"] {
        assert_eq!(check_name_of_user(name), Ok(()), "{name}");
        assert!(check_name_of_application(name).is_err(), "{name}");
    }
    assert_eq!(check_name_of_user("d2cadministrator"), Ok(()));
}

#[test]
fn refused_characters_of_stored_texts_are_shown_as_replacement_characters() {
    assert_eq!(shown("Harbour Reports"), "Harbour Reports");
    assert_eq!(shown("\u{3164}\u{200B}"), "\u{FFFD}\u{FFFD}");
    assert_eq!(shown("Evil\u{202E}knaB"), "Evil\u{FFFD}knaB");
    assert_eq!(shown("Verified ✅ by\nBank"), "Verified \u{FFFD} by Bank");
    assert_eq!(shown("a\u{301}\u{301}\u{301}\u{301}\u{301}"), "a\u{301}\u{301}\u{301}\u{301}\u{FFFD}");
    assert_eq!(shown("\u{1b}[31m"), "\u{FFFD}[31m");
}
