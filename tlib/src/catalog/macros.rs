//! The table macro behind every open enumeration of the catalogue.

/// Declares an open newtype: named constants, `ALL`, `name`, `from_name`, and a `Debug` that prints
/// unknown values as numbers. Values outside the table are kept and re-encoded unchanged.
macro_rules! wire_enum {
    (
        $(#[$outer:meta])*
        pub struct $name:ident($repr:ty) {
            $($(#[$inner:meta])* $constant:ident = $value:literal => $text:literal,)*
        }
    ) => {
        $(#[$outer])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $repr);

        impl $name {
            $($(#[$inner])* pub const $constant: Self = Self($value);)*

            /// Every value of the table, in its order.
            pub const ALL: &'static [Self] = &[$(Self::$constant),*];

            /// The published name, or `None` for a value outside the table.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($text),)*
                    _ => None,
                }
            }

            /// Looks a value up by its published name (exact spelling).
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$constant),)*
                    _ => None,
                }
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, concat!(stringify!($name), "({})"), self.0),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "{}", self.0),
                }
            }
        }

        impl From<$repr> for $name {
            fn from(value: $repr) -> Self {
                Self(value)
            }
        }

        impl From<$name> for $repr {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}

pub(super) use wire_enum;
