//! The passwords that attackers guess first.
//!
//! If twelve characters are required, people combine short words from this list and disguise them with
//! digits, marks and look-alike characters. The check therefore removes the disguise; what remains must be
//! more than a few listed words.

/// Words, names, phrases and keyboard walks that are common in lists of stolen passwords.
const WORDS: &str = "
    abc abcd abcde abcdef abcdefg abcdefgh abcdefghij abcdefghijkl access account action adidas admin administrator
    adobe alex alexander alexandra alexis amanda america american anderson andrea andrew android angel angela anthony
    apple april apollo arsenal arthur asdf asdfg asdfgh asdfghjk asdfghjkl asdfghjklqwertyuiop ashley august austin
    autumn awesome azerty azertyuiop baby babygirl backup bailey banana barcelona baseball basketball batman beautiful
    benjamin berlin biteme blessed blink blue bond boomer boston brandon brown buster butterfly california cameron
    captain carlos changeit changeme charlie cheese chelsea chester chicago chicken chocolate chris christ christian
    christopher cisco client cocacola coffee company computer contrasena cookie cool correcthorsebatterystaple cowboy
    crystal daniel dallas darkness database david december default demo denver diamond dragon dolphin donald dude
    eagles easy edward einstein elephant elizabeth email enter everton eminem facebook family fender ferrari february
    fire fish flower football forever forgot france frank freedom friday friend friends fuckyou fuckoff gandalf gateway
    gemini george germany ginger girl gizmo god goddess golden golfer google green guest guitar hacker hallo hammer
    hannah happy harley harry heather hello hellokitty hockey home honey hotdog hottie house hunter hybrid
    iloveme iloveu iloveyou iloveyousomuch internet iron jackson jaguar jasmine january jason jasper jennifer jessica
    jesus jesuschrist john johnny jonathan jordan joseph joshua julie july june junior justin kennwort keyboard killer
    king kitten kitty knight kontol lakers laptop lasvegas legend letme letmein letmeinnow lizard liverpool login logmein
    london lonely looking love lovely loveme lover lovers loveyou lucky maggie magic manager manchester manchesterunited
    march marina marine mario marlboro martin master matrix matthew maverick maxwell melissa mercedes mercury merlin
    metallica michael michelle microsoft midnight mine miller minecraft mohammed monday money monkey monster morgan
    mother motherfucker motdepasse mustang my myspace naruto nascar natasha nathan network newyork nicholas nicole
    nintendo nirvana nissan nothing november number october office oliver one open opensesame oracle orange
    pa parola pass passcode passe passpass passphrase passw passwd passwort password passwordpassword patrick peace
    peanut pepper people phoenix phone player please pokemon porsche postgres power precious prince princess private
    progress public purple pussy q qaz qazwsx qazwsxedc qazwsxedcrfv qwe qwer qwert qwerty qwertyuiop qwertyuiopasdf
    qwertyuiopasdfghjkl qwertz qwertzuiop rabbit rachel ranger rangers rainbow realmadrid red reader remember richard
    robert rocket root rosebud runner sam samantha samsung sandra saturday scooter secret secure security semperfi
    september server service shadow shannon sister skate slayer sluicegate snoopy soccer sophie spider spiderman
    spring star starwars steelers stella steven strong stupid success summer sunday sunflower sunset sunshine super
    superman superstar superuser supervisor support swordfish sys sysadmin system taylor teacher temp temporary
    tennis test tester testing testtest the thebest thomas thursday thunder tiger tigger tinkerbell toor trinity trust
    trustno trustnoone tuesday turtle twitter unicorn united unknown user username victor victoria victory viking
    volleyball warrior washington wednesday welcome welcomeback welkom whatever whatsapp white william willow windows
    winner winter wizard wolf wonderful world xbox yahoo yankees yellow you youtube zaq zaqxsw zaqxswcde zxcv zxcvb
    zxcvbn zxcvbnm zxcvbnmasdfghjkl
";

/// Keyboard walks that contain digits, which removing the digits would hide.
const WALKS: &[&str] = &[
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "1qaz2wsx3edc4rfv5tgb6yhn",
    "zaq12wsxcde34rfv",
    "qwerty123456qwerty123456",
    "123qwe456rty789uio",
    "123qweasdzxc",
    "abc123def456ghi789",
    "a1b2c3d4e5f6g7h8",
    "1a2b3c4d5e6f7g8h",
    "1password2password",
    "qwe123asd456zxc789",
    "!@#$%^&*()_+",
    "!qaz@wsx#edc$rfv",
    "01012000010120000101",
    "098765432109876543210",
    "12345678901234567890123456789012345678901234567890",
    "112233445566778899001122334455",
    "147258369147258369",
    "741852963741852963",
    "159357159357159357",
    "102030405060708090",
    "123123123123123123",
    "123321123321123321",
    "121212343434565656787878",
];

/// The maximum number of listed words in a common password.
const MOST_WORDS: usize = 3;

/// Whether a password is common, or a disguised common one.
pub(super) fn contains(password: &str) -> bool {
    let lower = password.to_lowercase();
    let dressed =
        [undisguised(&lower, LookAlikes::StandForLetters), undisguised(&lower, LookAlikes::Separate)];
    WALKS.iter().any(|walk| walk.contains(&lower))
        || is_sequential(&lower)
        || dressed.iter().any(|words| is_made_of_words(words))
}

/// How digits and marks between letters are interpreted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LookAlikes {
    StandForLetters,
    Separate,
}

/// Whether all characters are neighbours in the alphabet or among the digits, in one direction.
fn is_sequential(password: &str) -> bool {
    let characters: Vec<u32> = password.chars().map(u32::from).collect();
    let runs = |step: i64| characters.windows(2).all(|pair| i64::from(pair[1]) - i64::from(pair[0]) == step);
    runs(1) || runs(-1)
}

/// Removes digits and marks at both ends, replaces look-alikes, and keeps only letters.
fn undisguised(password: &str, look_alikes: LookAlikes) -> String {
    let core = password.trim_matches(|c: char| !c.is_alphabetic() && !matches!(c, '@' | '$'));
    let core = core.trim_end_matches(['@', '$']);
    let letter = |c: char| match c {
        c if look_alikes == LookAlikes::Separate => Some(c).filter(|c| c.is_alphabetic()),
        '@' | '4' => Some('a'),
        '3' => Some('e'),
        '1' => Some('i'),
        '0' => Some('o'),
        '5' | '$' => Some('s'),
        '7' => Some('t'),
        c => Some(c).filter(|c| c.is_alphabetic()),
    };
    core.chars().filter_map(letter).collect()
}

/// Whether the text consists of up to [`MOST_WORDS`] listed words.
fn is_made_of_words(text: &str) -> bool {
    let mut reached = vec![text];
    for _ in 0..MOST_WORDS {
        let step = |rest: &&str| -> Vec<usize> {
            WORDS.split_whitespace().filter(|word| rest.starts_with(word)).map(str::len).collect()
        };
        reached =
            reached.iter().flat_map(|rest| step(rest).into_iter().map(|length| &rest[length..])).collect();
        reached.sort_unstable();
        reached.dedup();
        if reached.contains(&"") {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disguises_are_removed() {
        for password in [
            "passwordpassword",
            "P@$$w0rd2024!",
            "Welcome2Welcome",
            "letmein.letmein",
            "!Summer2026!!!",
            "iloveyousomuch",
            "Admin@Server99",
            "1q2w3e4r5t6y",
            "1qaz2wsx3edc",
            "QWERTYUIOPasdf",
            "abcdefghijklm",
            "zyxwvutsrqpon",
            "098765432109",
            "trustno1trustno1",
            "correcthorsebatterystaple",
        ] {
            assert!(contains(password), "{password}");
        }
    }

    #[test]
    fn passwords_with_unlisted_words_are_not_common() {
        for password in
            ["harbour pilot 7 tugs", "summer tide at Kronborg", "xK4-vPq9-Lm2z", "dragonfly over reeds"]
        {
            assert!(!contains(password), "{password}");
        }
    }
}
