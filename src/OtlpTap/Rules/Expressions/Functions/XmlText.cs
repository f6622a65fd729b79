using System.Globalization;
using System.Text;

namespace OtlpTap.Rules.Expressions.Functions;

/// <summary>
/// Reads XML as leniently as Go does: prefixes need no declaration, document types are skipped and never followed.
/// System.Xml insists on both. Source: https://pkg.go.dev/encoding/xml.
/// </summary>
internal sealed class XmlText
{
    /// <summary>Deeper than data is; what walks the tree does so by recursion.</summary>
    private const int DepthMax = 500;

    private readonly string _text;
    private int _at;
    private string _problem = "";

    private XmlText(string text) => _text = text;

    /// <summary>Null, and what is wrong.</summary>
    /// <param name="end">Where the first element ended.</param>
    public static XmlNode? Read(string text, out int end, out string problem)
    {
        var reader = new XmlText(text);
        var document = reader.ReadAll(out end);
        problem = $"at byte {reader._at}: {reader._problem}";
        return document;
    }

    private XmlNode? ReadAll(out int end)
    {
        end = -1;
        var document = new XmlNode(XmlNodeKind.Document, "");
        var open = new Stack<XmlNode>([document]);
        while (_at < _text.Length)
        {
            if (!(_text[_at] == '<' ? TryMarkup(open) : TryText(open.Peek())))
            {
                return null;
            }

            if (end < 0 && open.Count == 1 && document.Children.Exists(child => child.Kind == XmlNodeKind.Element))
            {
                end = _at;
            }
        }

        if (open.Count > 1)
        {
            _problem = $"the element {ByteText.ToDisplay(open.Peek().Name)} is not closed";
            return null;
        }

        return document;
    }

    private bool Fail(string problem)
    {
        _problem = problem;
        return false;
    }

    private bool TryMarkup(Stack<XmlNode> open)
    {
        if (Accept("<!--"))
        {
            return TryUntil("-->", XmlNodeKind.Comment, open.Peek());
        }

        if (Accept("<![CDATA["))
        {
            return TryUntil("]]>", XmlNodeKind.CharacterData, open.Peek());
        }

        if (Accept("<?"))
        {
            return TryUntil("?>", XmlNodeKind.Instruction, open.Peek());
        }

        if (Accept("<!"))
        {
            return TrySkipDirective();
        }

        if (Accept("</"))
        {
            var name = Name();
            SkipSpace();
            if (!Accept(">") || open.Count == 1 || open.Peek().Name != name)
            {
                return Fail(open.Count == 1 ? "an element is closed that is not open" : $"the element {ByteText.ToDisplay(open.Peek().Name)} is closed as {ByteText.ToDisplay(name)}");
            }

            open.Pop();
            return true;
        }

        _at++;
        return TryElement(open);
    }

    private bool TryElement(Stack<XmlNode> open)
    {
        var element = new XmlNode(XmlNodeKind.Element, Name());
        if (element.Name.Length == 0)
        {
            return Fail("an element has no name");
        }

        if (open.Count > DepthMax)
        {
            return Fail($"elements are nested more than {DepthMax} deep");
        }

        open.Peek().Children.Add(element);
        while (true)
        {
            SkipSpace();
            if (Accept("/>"))
            {
                return true;
            }

            if (Accept(">"))
            {
                open.Push(element);
                return true;
            }

            var name = Name();
            SkipSpace();
            if (name.Length == 0 || !Accept("="))
            {
                return Fail("an attribute has no name or no value");
            }

            SkipSpace();
            if (_at >= _text.Length || _text[_at] is not ('"' or '\''))
            {
                return Fail("an attribute's value is not quoted");
            }

            var quote = _text[_at];
            var end = _text.IndexOf(quote, _at + 1);
            if (end < 0 || _text.AsSpan(_at + 1, end - _at - 1).Contains('<') || Resolved(_text[(_at + 1)..end]) is not { } value)
            {
                return Fail("an attribute's value is wrong");
            }

            element.Attributes.Add((name, value));
            _at = end + 1;
        }
    }

    private bool TryText(XmlNode parent)
    {
        var end = _text.IndexOf('<', _at);
        var raw = end < 0 ? _text[_at..] : _text[_at..end];
        if (raw.Contains("]]>", StringComparison.Ordinal) || Resolved(raw) is not { } text)
        {
            return Fail("a text has a wrong entity");
        }

        parent.Children.Add(new XmlNode(XmlNodeKind.Text, "", text));
        _at += raw.Length;
        return true;
    }

    private bool TryUntil(string end, XmlNodeKind kind, XmlNode parent)
    {
        var close = _text.IndexOf(end, _at, StringComparison.Ordinal);
        if (close < 0)
        {
            return Fail($"'{end}' is missing");
        }

        var content = _text[_at..close];
        if (kind == XmlNodeKind.Comment && content.Contains("--", StringComparison.Ordinal))
        {
            return Fail("a comment has two dashes within");
        }

        parent.Children.Add(new XmlNode(kind, "", content));
        _at = close + end.Length;
        return true;
    }

    /// <summary>A document type, with brackets and quotes within.</summary>
    private bool TrySkipDirective()
    {
        var depth = 0;
        var quote = '\0';
        for (; _at < _text.Length; _at++)
        {
            var c = _text[_at];
            if (quote != '\0')
            {
                quote = c == quote ? '\0' : quote;
            }
            else if (c is '"' or '\'')
            {
                quote = c;
            }
            else if (c == '<')
            {
                depth++;
            }
            else if (c == '>' && depth-- == 0)
            {
                _at++;
                return true;
            }
        }

        return Fail("'>' is missing");
    }

    private bool Accept(string expected)
    {
        if (string.CompareOrdinal(_text, _at, expected, 0, expected.Length) != 0)
        {
            return false;
        }

        _at += expected.Length;
        return true;
    }

    private void SkipSpace()
    {
        while (_at < _text.Length && _text[_at] is ' ' or '\t' or '\r' or '\n')
        {
            _at++;
        }
    }

    private string Name()
    {
        var start = _at;
        while (_at < _text.Length && (char.IsAsciiLetterOrDigit(_text[_at]) || _text[_at] is ':' or '_' or '-' or '.' or >= '\u0080'))
        {
            _at++;
        }

        // A name starts with no digit, point or dash.
        if (_at > start && (char.IsAsciiDigit(_text[start]) || _text[start] is '-' or '.'))
        {
            _at = start;
        }

        return _text[start.._at];
    }

    /// <summary>With the entities in place, and line ends made one character.</summary>
    private static string? Resolved(string raw)
    {
        var normalized = raw.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        if (!normalized.Contains('&'))
        {
            return normalized;
        }

        var text = new StringBuilder();
        for (var at = 0; at < normalized.Length; at++)
        {
            if (normalized[at] != '&')
            {
                text.Append(normalized[at]);
                continue;
            }

            var end = normalized.IndexOf(';', at);
            if (end < 0 || EntityOf(normalized.AsSpan(at + 1, end - at - 1)) is not { } character)
            {
                return null;
            }

            text.Append(character);
            at = end;
        }

        return text.ToString();
    }

    private static string? EntityOf(ReadOnlySpan<char> name)
    {
        switch (name)
        {
            case "lt":
                return "<";
            case "gt":
                return ">";
            case "amp":
                return "&";
            case "apos":
                return "'";
            case "quot":
                return "\"";
        }

        var isHexadecimal = name.StartsWith("#x");
        return name.StartsWith("#")
            && int.TryParse(name[(isHexadecimal ? 2 : 1)..], isHexadecimal ? NumberStyles.AllowHexSpecifier : NumberStyles.None, CultureInfo.InvariantCulture, out var rune)
            && Rune.TryCreate(rune, out var character)
            ? ByteText.Of(character)
            : null;
    }
}
