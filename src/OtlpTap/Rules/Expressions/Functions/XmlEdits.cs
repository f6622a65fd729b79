using System.Text;

namespace OtlpTap.Rules.Expressions.Functions;

/// <summary>XML texts with parts taken out, put in or turned into others, at what an XPath selects.</summary>
internal static class XmlEdits
{
    public static Value Get(XmlPath path, string text, Value[] arguments)
    {
        if (text.Length == 0)
        {
            return TextValue.Empty;
        }

        return Edit(path, text, (_, matches) =>
        {
            var found = new XmlNode(XmlNodeKind.Document, "");
            foreach (var match in matches)
            {
                if (match.Attribute is { } attribute)
                {
                    found.Children.Add(new XmlNode(XmlNodeKind.Text, "", match.Node.Attributes.Find(other => other.Name == attribute).Value));
                }
                else if (match.Node.Kind == XmlNodeKind.CharacterData)
                {
                    found.Children.Add(new XmlNode(XmlNodeKind.Text, "", match.Node.Content));
                }
                else if (match.Node.Kind is XmlNodeKind.Element or XmlNodeKind.Text)
                {
                    found.Children.Add(match.Node);
                }
            }

            return found;
        });
    }

    public static Value Remove(XmlPath path, string text, Value[] arguments)
    {
        if (text.Length == 0)
        {
            return TextValue.Empty;
        }

        return Edit(path, text, (document, matches) =>
        {
            foreach (var match in matches)
            {
                if (match.Attribute is { } attribute)
                {
                    match.Node.Attributes.RemoveAll(other => other.Name == attribute);
                }
                else
                {
                    match.Parent?.Children.Remove(match.Node);
                }
            }

            return document;
        });
    }

    public static Value Insert(XmlPath path, string text, Value[] arguments)
    {
        if (XmlText.Read(((TextValue)arguments[2]).Text, out _, out var problem) is not { } inserted)
        {
            return new Failure($"what is to be inserted is no XML: {problem}");
        }

        var isWrong = false;
        var edited = Edit(path, text, (document, matches) =>
        {
            foreach (var match in matches)
            {
                isWrong |= match.Attribute is not null || match.Node.Kind is not (XmlNodeKind.Element or XmlNodeKind.Document);
                if (!isWrong)
                {
                    match.Node.Children.AddRange(inserted.Children);
                }
            }

            return document;
        });
        return isWrong ? new Failure("the XPath selects what is no element") : edited;
    }

    public static Value AttributesToElements(XmlPath path, string text, Value[] arguments) => Edit(path, text, (document, matches) =>
    {
        foreach (var match in matches)
        {
            if (match.Attribute is { } attribute)
            {
                var element = new XmlNode(XmlNodeKind.Element, attribute[(attribute.IndexOf(':') + 1)..]);
                element.Children.Add(new XmlNode(XmlNodeKind.Text, "", match.Node.Attributes.Find(other => other.Name == attribute).Value));
                match.Node.Children.Add(element);
                match.Node.Attributes.RemoveAll(other => other.Name == attribute);
            }
        }

        return document;
    });

    public static Value TextToElements(XmlPath path, string text, Value[] arguments)
    {
        var name = arguments[2] is TextValue { Text.Length: > 0 } given ? given.Text : "value";
        return Edit(path, text, (document, matches) =>
        {
            foreach (var match in matches)
            {
                TextToElements(match.Node, name);
            }

            return document;
        });
    }

    /// <summary>Texts beside elements or other texts become elements; a text alone stays.</summary>
    private static void TextToElements(XmlNode parent, string name)
    {
        var elements = parent.Children.Where(child => child.Kind == XmlNodeKind.Element).ToList();
        foreach (var element in elements)
        {
            TextToElements(element, name);
        }

        var texts = parent.Children.Where(child => child.Kind == XmlNodeKind.Text).ToList();
        if (texts.Count == 0 || elements.Count + texts.Count <= 1)
        {
            return;
        }

        foreach (var text in texts)
        {
            text.Kind = XmlNodeKind.Element;
            text.Name = name;
            text.Children.Add(new XmlNode(XmlNodeKind.Text, "", text.Content));
        }
    }

    private static Value Edit(XmlPath path, string text, Func<XmlNode, List<XmlMatch>, XmlNode> edit)
    {
        if (XmlText.Read(text, out _, out var problem) is not { } document)
        {
            return new Failure($"the text is no XML: {problem}");
        }

        return path.Select(document) is { } matches ? new TextValue(Written(edit(document, matches))) : new Failure("the XPath selects no nodes");
    }

    private static string Written(XmlNode document)
    {
        var text = new StringBuilder();
        foreach (var child in document.Children)
        {
            Write(text, child);
        }

        return text.ToString();
    }

    private static void Write(StringBuilder text, XmlNode node)
    {
        switch (node.Kind)
        {
            case XmlNodeKind.Text:
                text.Append(Escaped(node.Content));
                return;
            case XmlNodeKind.CharacterData:
                text.Append("<![CDATA[").Append(node.Content).Append("]]>");
                return;
            case XmlNodeKind.Comment:
                text.Append("<!--").Append(node.Content).Append("-->");
                return;
            case XmlNodeKind.Instruction:
                text.Append("<?").Append(node.Content.AsSpan().TrimEnd()).Append("?>");
                return;
        }

        text.Append('<').Append(node.Name);
        foreach (var (name, value) in node.Attributes)
        {
            text.Append(' ').Append(name).Append("=\"").Append(Escaped(value)).Append('"');
        }

        text.Append('>');
        foreach (var child in node.Children)
        {
            Write(text, child);
        }

        text.Append("</").Append(node.Name).Append('>');
    }

    private static string Escaped(string text) => text
        .Replace("&", "&amp;", StringComparison.Ordinal)
        .Replace("'", "&#39;", StringComparison.Ordinal)
        .Replace("<", "&lt;", StringComparison.Ordinal)
        .Replace(">", "&gt;", StringComparison.Ordinal)
        .Replace("\"", "&#34;", StringComparison.Ordinal);
}
