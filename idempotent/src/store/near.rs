//! A known name for one that was misspelt.

/// The one of `known` that is nearest to `name`, if it is near enough to be a slip of the hand.
pub(super) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).max(1);
    let far = |candidate: &&str| distance(name, candidate);
    known.iter().copied().min_by_key(far).filter(|candidate| far(candidate) <= limit)
}

/// How many letters have to be changed, put in or taken out; two that are swapped count as two.
fn distance(left: &str, right: &str) -> usize {
    let mut above: Vec<usize> = (0..=right.chars().count()).collect();
    for (row, letter) in left.chars().enumerate() {
        let mut line = vec![row + 1];
        for (column, other) in right.chars().enumerate() {
            let change = above[column] + usize::from(letter != other);
            line.push(change.min(above[column + 1] + 1).min(line[column] + 1));
        }
        above = line;
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red when a slip is not seen, or when anything is taken for one.
    #[test]
    fn slips_of_the_hand_are_near() {
        let known = ["lease", "patience", "create", "max_pages"];
        assert_eq!(nearest("leese", &known), Some("lease"));
        assert_eq!(nearest("paitence", &known), Some("patience"));
        assert_eq!(nearest("maxpages", &known), Some("max_pages"));
        assert_eq!(nearest("creat", &known), Some("create"));
        assert_eq!(nearest("", &known), None);
        assert_eq!(nearest("journal", &known), None);
        assert_eq!(nearest("lease", &[]), None);
    }
}
