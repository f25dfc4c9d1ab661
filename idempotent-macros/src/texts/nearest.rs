//! The known name that somebody may have meant.

/// The known name that is nearest to `name`, if one is near enough to be a slip of the hand.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).max(1);
    known
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(far, _)| *far <= limit)
        .min_by_key(|(far, _)| *far)
        .map(|(_, candidate)| candidate)
}

/// How many letters have to be changed, put in, taken out or swapped.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    let mut before: Option<(char, Vec<usize>)> = None;
    for (row, letter) in left.chars().enumerate() {
        let mut line = vec![row + 1];
        for (column, other) in right.iter().enumerate() {
            let change = above[column] + usize::from(letter != *other);
            let mut best = change.min(above[column + 1] + 1).min(line[column] + 1);
            if let Some((last, older)) = &before
                && column > 0
                && *last == *other
                && right[column - 1] == letter
            {
                best = best.min(older[column - 1] + 1);
            }
            line.push(best);
        }
        before = Some((letter, std::mem::replace(&mut above, line)));
    }
    above[right.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};
    use crate::texts::arguments;

    // Fails when the distance ignores swapped letters or the limit is dropped.
    #[test]
    fn slips_of_the_hand_are_near() {
        assert_eq!(distance("kye", "key"), 1);
        assert_eq!(distance("", "key"), 3);
        assert_eq!(distance("same", "same"), 0);
        assert_eq!(nearest("kye", arguments()), Some("key"));
        assert_eq!(nearest("skipp", arguments()), Some("skip"));
        assert_eq!(nearest("maperr", arguments()), Some("map_err"));
        assert_eq!(nearest("timeout", arguments()), None);
    }
}
