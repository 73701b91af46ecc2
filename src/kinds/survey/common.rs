//! What texts begin with alike.

/// The longest path all of these lie below, `/` at its end.
pub(super) fn common_path<'a>(paths: impl Iterator<Item = &'a str>) -> String {
    let common = common_prefix(paths);
    let end = common.rfind('/').map_or(0, |it| it + 1);
    if end == 0 {
        "/".to_owned()
    } else {
        common[..end].to_owned()
    }
}

/// What all of these begin with.
pub(super) fn common_prefix<'a>(mut texts: impl Iterator<Item = &'a str>) -> &'a str {
    let Some(mut common) = texts.next() else {
        return "";
    };
    for text in texts {
        let same = common
            .bytes()
            .zip(text.bytes())
            .take_while(|(a, b)| a == b)
            .count();
        common = &common[..same];
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_share_their_leading_segments() {
        assert_eq!(
            common_path(["/provision/shop/", "/provision/shop/x/"].into_iter()),
            "/provision/shop/"
        );
        assert_eq!(common_path(["/provision/shop/", "/team/"].into_iter()), "/");
        assert_eq!(common_path(["/"].into_iter()), "/");
        assert_eq!(
            common_prefix(["billing-a", "billing-b"].into_iter()),
            "billing-"
        );
    }
}
