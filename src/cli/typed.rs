//! Options together with the words that were typed for them.

use std::collections::BTreeMap;
use std::ops::Deref;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, Error, FromArgMatches, Id};

/// Options, and the words that were typed for them.
///
/// Two runs with the same words make the same request, even if the words are relative to the time
/// of the run (`--since 24h`).
#[derive(Debug, Clone)]
pub(crate) struct Typed<A> {
    options: A,
    words: BTreeMap<String, Vec<String>>,
}

impl<A> Typed<A> {
    /// The words by the option; an option that was not given is left out.
    pub(crate) fn words(&self) -> &BTreeMap<String, Vec<String>> {
        &self.words
    }
}

impl<A> Deref for Typed<A> {
    type Target = A;

    fn deref(&self) -> &A {
        &self.options
    }
}

fn words<A: Args>(matches: &ArgMatches) -> BTreeMap<String, Vec<String>> {
    let options = A::augment_args(Command::default());
    let ids = options
        .get_arguments()
        .map(|option| option.get_id().as_str());
    let given = ids.filter(|id| matches.value_source(id) == Some(ValueSource::CommandLine));
    let words = given.filter_map(|id| {
        let words = matches.get_raw(id)?;
        let words = words.map(|word| word.as_encoded_bytes().escape_ascii().to_string());
        Some((id.to_owned(), words.collect()))
    });
    words.collect()
}

impl<A: Args> FromArgMatches for Typed<A> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        Ok(Self {
            words: words::<A>(matches),
            options: A::from_arg_matches(matches)?,
        })
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, Error> {
        Ok(Self {
            words: words::<A>(matches),
            options: A::from_arg_matches_mut(matches)?,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.words.append(&mut words::<A>(matches));
        self.options.update_from_arg_matches(matches)
    }
}

impl<A: Args> Args for Typed<A> {
    fn group_id() -> Option<Id> {
        A::group_id()
    }

    fn augment_args(command: Command) -> Command {
        A::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        A::augment_args_for_update(command)
    }
}
