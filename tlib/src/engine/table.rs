//! The macro behind the state tables of agents and parties.

/// Declares a closed state enum, its event enum and the table `event: From | From => To, ...;`.
/// `next` answers the state after an event, or `None` where the table has no row.
macro_rules! state_table {
    (
        $(#[$state_meta:meta])*
        $state:ident { $($(#[$meta:meta])* $name:ident,)* }
        $(#[$event_meta:meta])*
        $event:ident { $($(#[$row_meta:meta])* $row:ident: $($($from:ident)|+ => $to:ident),+;)* }
    ) => {
        $(#[$state_meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum $state { $($(#[$meta])* $name,)* }

        $(#[$event_meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum $event { $($(#[$row_meta])* $row,)* }

        impl $state {
            #[cfg(test)]
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The state after `event`, or `None` if the event is not allowed here.
            pub(crate) const fn next(self, event: $event) -> Option<Self> {
                match event {
                    $($event::$row => match self {
                        $($(Self::$from)|+ => Some(Self::$to),)+
                        #[allow(unreachable_patterns, reason = "a row may name every state")]
                        _ => None,
                    },)*
                }
            }
        }

        impl $event {
            #[cfg(test)]
            pub(crate) const ALL: &'static [Self] = &[$(Self::$row,)*];
        }
    };
}

pub(crate) use state_table;

/// Prints a table for a snapshot: one line per event, one column per state.
#[cfg(test)]
macro_rules! print_table {
    ($state:ty, $event:ty) => {{
        let mut text = String::new();
        for event in <$event>::ALL {
            text.push_str(&format!("{event:?}\n"));
            for state in <$state>::ALL {
                let next = state.next(*event);
                let next = next.map_or("-".to_owned(), |next| format!("{next:?}"));
                text.push_str(&format!("    {:<18} => {next}\n", format!("{state:?}")));
            }
        }
        text
    }};
}

#[cfg(test)]
pub(crate) use print_table;
