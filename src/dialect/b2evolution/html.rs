//! The HTML that b2evolution puts into its messages: written, and read back as plain text.

/// Text as HTML shows it.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}

/// What a person reads of a message: without tags, entities decoded.
pub(super) fn plain(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        let (text, markup) = rest.split_at(at);
        out.push_str(text);
        rest = skip_tag(markup)
            .or_else(|| decode_entity(markup, &mut out))
            .unwrap_or_else(|| take_character(markup, &mut out));
    }
    out.push_str(rest);
    out
}

fn skip_tag(markup: &str) -> Option<&str> {
    let inside = markup.strip_prefix('<')?;
    let is_tag = inside.starts_with(|c: char| c == '/' || c.is_ascii_alphabetic());
    let (_, after) = inside.split_once('>').filter(|_| is_tag)?;
    Some(after)
}

fn decode_entity<'m>(markup: &'m str, out: &mut String) -> Option<&'m str> {
    const ENTITIES: [(&str, char); 7] = [
        ("&amp;", '&'),
        ("&lt;", '<'),
        ("&gt;", '>'),
        ("&quot;", '"'),
        ("&#039;", '\''),
        ("&laquo;", '«'),
        ("&raquo;", '»'),
    ];
    let (after, c) = ENTITIES
        .iter()
        .find_map(|(entity, c)| Some((markup.strip_prefix(entity)?, *c)))?;
    out.push(c);
    Some(after)
}

fn take_character<'m>(markup: &'m str, out: &mut String) -> &'m str {
    let mut characters = markup.chars();
    out.extend(characters.next());
    characters.as_str()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tags_and_entities_of_a_recorded_message_are_read() {
        assert_eq!(
            plain("Logins: letters and <code>-</code> &laquo;mary&raquo;"),
            "Logins: letters and - «mary»"
        );
        assert_eq!(plain("1 < 2 & 3 > 2"), "1 < 2 & 3 > 2");
    }

    proptest! {
        #[test]
        fn what_was_escaped_is_read_back(text in ".*") {
            prop_assert_eq!(plain(&escape(&text)), text);
        }
    }
}
