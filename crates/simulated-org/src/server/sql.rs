//! The part of Config's query language that is needed: `SELECT fields WHERE property = 'x' AND property IN (...)`.

use super::answer::ErrorAnswer;

/// A query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) fields: Vec<String>,
    pub(super) conditions: Vec<Condition>,
}

/// The property has one of these values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) property: String,
    pub(super) values: Vec<String>,
}

/// The field that counts.
pub(super) const COUNT: &str = "COUNT(*)";
/// The field that stands for all.
pub(super) const ALL: &str = "*";

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

/// Reads a query.
///
/// # Errors
/// `InvalidExpressionException`, naming what is not understood.
pub(super) fn parse(expression: &str) -> Result<Query, ErrorAnswer> {
    let mut parser = Parser {
        tokens: tokens(expression)?,
        at: 0,
    };
    parser.keyword("SELECT")?;
    let fields = parser.list(Parser::field)?;
    let mut conditions = Vec::new();
    if !parser.is_done() {
        parser.keyword("WHERE")?;
        conditions.push(parser.condition()?);
        while !parser.is_done() {
            parser.keyword("AND")?;
            conditions.push(parser.condition()?);
        }
    }
    Ok(Query { fields, conditions })
}

pub(super) fn invalid(message: impl Into<String>) -> ErrorAnswer {
    ErrorAnswer::bad("InvalidExpressionException", message)
}

fn tokens(expression: &str) -> Result<Vec<Token>, ErrorAnswer> {
    let mut tokens = Vec::new();
    let mut rest = expression.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' => {
                let (text, length) = quoted(rest)?;
                tokens.push(Token::Text(text));
                length
            }
            '(' | ')' | ',' | '=' | '*' => {
                tokens.push(Token::Sign(first));
                1
            }
            _ => {
                let word: String = rest
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || "._-".contains(*c))
                    .collect();
                if word.is_empty() {
                    return Err(invalid(format!("'{first}' is not expected here.")));
                }
                let length = word.len();
                tokens.push(Token::Word(word));
                length
            }
        };
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    Ok(tokens)
}

/// A quoted text, in which two quotes stand for one, and its length with its quotes.
fn quoted(rest: &str) -> Result<(String, usize), ErrorAnswer> {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((index, character)) = characters.next() {
        match character {
            '\'' if characters.peek().is_some_and(|(_, next)| *next == '\'') => {
                text.push('\'');
                characters.next();
            }
            '\'' => return Ok((text, index + 1)),
            other => text.push(other),
        }
    }
    Err(invalid("A quoted text does not end."))
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn is_done(&self) -> bool {
        self.at >= self.tokens.len()
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn accept(&mut self, sign: char) -> bool {
        let is_it = self.tokens.get(self.at) == Some(&Token::Sign(sign));
        self.at += usize::from(is_it);
        is_it
    }

    fn sign(&mut self, sign: char) -> Result<(), ErrorAnswer> {
        if self.accept(sign) {
            Ok(())
        } else {
            Err(invalid(format!("'{sign}' is expected.")))
        }
    }

    fn keyword(&mut self, keyword: &str) -> Result<(), ErrorAnswer> {
        match self.next() {
            Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword) => Ok(()),
            _ => Err(invalid(format!("{keyword} is expected."))),
        }
    }

    fn list<T>(&mut self, item: impl Fn(&mut Self) -> Result<T, ErrorAnswer>) -> Result<Vec<T>, ErrorAnswer> {
        let mut items = vec![item(self)?];
        while self.accept(',') {
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn field(&mut self) -> Result<String, ErrorAnswer> {
        match self.next() {
            Some(Token::Sign('*')) => Ok(ALL.to_owned()),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("COUNT") => {
                self.sign('(')?;
                self.sign('*')?;
                self.sign(')')?;
                Ok(COUNT.to_owned())
            }
            Some(Token::Word(word)) if !word.eq_ignore_ascii_case("WHERE") => Ok(word),
            _ => Err(invalid("A property is expected after SELECT.")),
        }
    }

    fn text(&mut self) -> Result<String, ErrorAnswer> {
        match self.next() {
            Some(Token::Text(text)) => Ok(text),
            _ => Err(invalid("A text in single quotes is expected.")),
        }
    }

    fn condition(&mut self) -> Result<Condition, ErrorAnswer> {
        let Some(Token::Word(property)) = self.next() else {
            return Err(invalid("A property is expected."));
        };
        if self.accept('=') {
            return Ok(Condition {
                property,
                values: vec![self.text()?],
            });
        }
        self.keyword("IN")
            .map_err(|_| invalid(format!("Only = and IN are supported here, after {property}.")))?;
        self.sign('(')?;
        let values = self.list(Self::text)?;
        self.sign(')')?;
        Ok(Condition { property, values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_whole() {
        let query = parse(
            "select accountId, configuration.complianceType\nWHERE resourceType = 'a''b' and awsRegion IN ('x', 'y')",
        );
        let query = query.unwrap();
        assert_eq!(query.fields, ["accountId", "configuration.complianceType"]);
        let values: Vec<_> = query
            .conditions
            .iter()
            .map(|condition| condition.values.join("|"))
            .collect();
        assert_eq!(values, ["a'b", "x|y"]);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for expression in [
            "",
            "SELECT",
            "SELECT WHERE a = 'b'",
            "SELECT a WHERE",
            "SELECT a WHERE b = c",
            "SELECT a WHERE b = 'c' OR d = 'e'",
            "SELECT a WHERE b LIKE 'c%'",
            "SELECT a WHERE b = 'c",
            "SELECT a; DROP",
            "DELETE a",
        ] {
            assert_eq!(
                parse(expression).unwrap_err().code,
                "InvalidExpressionException",
                "{expression}"
            );
        }
    }
}
