//! The macro that turns the declarations of settings into types, their reader, and their documentation.

macro_rules! settings {
    ($(
        $(#[doc = $about:literal])+
        $name:ident: $Section:ident = $prefix:literal {$(
            $(#[doc = $doc:literal])+
            $key:ident: $type:ty = $default:expr $(, in $range:expr)? $(, weak if $is_weak:expr => $warning:literal)?;
        )+}
    )+) => {
        $(
            $(#[doc = $about])+
            #[derive(Debug, Clone)]
            pub(crate) struct $Section {
                $($(#[doc = $doc])+ pub(crate) $key: $type,)+
            }
        )+

        /// All settings.
        #[derive(Debug, Clone)]
        pub(crate) struct Settings {
            $($(#[doc = $about])+ pub(crate) $name: $Section,)+
        }

        impl Settings {
            /// Takes each setting from the raw values.
            pub(super) fn assemble(raw_config: &mut RawConfig) -> Self {
                Self {$($name: $Section {$(
                    $key: raw_config.take(path($prefix, stringify!($key)), range!($($range)?).as_ref(), || $default),
                )+},)+}
            }

            /// The key and the warning of each setting that is weaker than its default.
            pub(crate) fn warnings(&self) -> Vec<(String, &'static str)> {
                let mut warnings = Vec::new();
                $($(
                    let weakens: Weakens<$type> = weakens!($($is_weak, $warning)?);
                    warn(&self.$name.$key, weakens, path($prefix, stringify!($key)), &mut warnings);
                )+)+
                warnings
            }
        }

        /// Every setting with its documentation.
        pub(super) fn sections() -> Vec<Section> {
            vec![$(Section {
                prefix: $prefix,
                about: text_of(&[$($about),+]),
                settings: vec![$({
                    let default: $type = $default;
                    let weakens: Weakens<$type> = weakens!($($is_weak, $warning)?);
                    describe(path($prefix, stringify!($key)), &[$($doc),+], range!($($range)?).as_ref(), &default, weakens)
                }),+],
            }),+]
        }
    };
}
