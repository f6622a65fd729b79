using System.Text;

namespace OtlpTap.Rules.Expressions.Functions;

internal static class XmlConverters
{
    private static readonly Parameter Target = new("Target", ParameterKind.Text);

    public static IEnumerable<Converter> All { get; } =
    [
        Converter.Of("ParseXML", [Target], values => ParseXml(((TextValue)values[0]).Text)),
        Converter.Of("ParseSimplifiedXML", [Target], values => ParseSimplified(((TextValue)values[0]).Text)),
        WithPath("GetXML", [Target, new("XPath", ParameterKind.LiteralText)], XmlEdits.Get),
        WithPath("RemoveXML", [Target, new("XPath", ParameterKind.LiteralText)], XmlEdits.Remove),
        WithPath("InsertXML", [Target, new("XPath", ParameterKind.LiteralText), new("SubDocument", ParameterKind.Text)], XmlEdits.Insert),
        WithPath("ConvertAttributesToElementsXML", [Target, new("XPath", ParameterKind.LiteralText, IsOptional: true)], XmlEdits.AttributesToElements, "//@*"),
        WithPath(
            "ConvertTextToElementsXML",
            [Target, new("XPath", ParameterKind.LiteralText, IsOptional: true), new("ElementName", ParameterKind.LiteralText, IsOptional: true)],
            XmlEdits.TextToElements,
            "/"),
    ];

    /// <param name="standard">The path when none is given.</param>
    private static Converter WithPath(string name, IReadOnlyList<Parameter> parameters, Func<XmlPath, string, Value[], Value> edit, string standard = "") => new(name, parameters, call =>
    {
        var text = call.LiteralText(1) is { Length: > 0 } given ? given : standard;
        if (XmlPath.Parse(ByteText.ToDisplay(text)) is not { } path)
        {
            return call.Refuse(1, $"'{ByteText.ToDisplay(text)}' is no XPath.");
        }

        return item =>
        {
            var values = new Value[parameters.Count];
            return call.Evaluate(item, values) ?? edit(path, ((TextValue)values[0]).Text, values);
        };
    });

    private static Value ParseXml(string text)
    {
        if (XmlText.Read(text, out var end, out var problem) is not { } document)
        {
            return new Failure($"the text is no XML: {problem}");
        }

        return document.Children.Find(child => child.Kind == XmlNodeKind.Element) is not { } root ? new Failure("the text has no element")
            : end != text.Length ? new Failure("something follows the element")
            : MapOf(root);
    }

    private static MapValue MapOf(XmlNode element)
    {
        var entries = new List<KeyValuePair<string, Value>> { new("tag", new TextValue(element.LocalName)) };
        var content = new StringBuilder();
        foreach (var child in element.Children.Where(child => child.Kind is XmlNodeKind.Text or XmlNodeKind.CharacterData))
        {
            content.Append(CaseConversion.TrimSpace(child.Content));
        }

        if (content.Length > 0)
        {
            entries.Add(new("content", new TextValue(content.ToString())));
        }

        if (element.Attributes.Count > 0)
        {
            var attributes = new Dictionary<string, Value>(StringComparer.Ordinal);
            foreach (var (name, value) in element.Attributes)
            {
                attributes[name[(name.IndexOf(':') + 1)..]] = new TextValue(value);
            }

            entries.Add(new("attributes", new MapValue([.. attributes])));
        }

        var children = element.Children.Where(child => child.Kind == XmlNodeKind.Element).Select(child => (Value)MapOf(child)).ToList();
        if (children.Count > 0)
        {
            entries.Add(new("children", new ListValue(children)));
        }

        return new MapValue(entries);
    }

    private static Value ParseSimplified(string text) =>
        XmlText.Read(text, out _, out var problem) is { } document ? Simplified(document) : new Failure($"the text is no XML: {problem}");

    /// <summary>Elements by name, those that come several times as a list; attributes and what is empty are left out.</summary>
    private static MapValue Simplified(XmlNode parent)
    {
        var elements = parent.Children.Where(child => child.Kind == XmlNodeKind.Element).ToList();
        var counts = elements.CountBy(element => element.LocalName).ToDictionary(StringComparer.Ordinal);
        var entries = new Dictionary<string, Value>(StringComparer.Ordinal);
        foreach (var element in elements.Where(element => element.Children.Count > 0))
        {
            var leaf = element.Children.Exists(child => child.Kind == XmlNodeKind.Element)
                ? ""
                : element.Children.Find(child => child.Kind is XmlNodeKind.Text or XmlNodeKind.CharacterData)?.Content ?? "";
            var value = leaf.Length > 0 ? new TextValue(leaf) : (Value)Simplified(element);
            var isEmpty = value is MapValue { Entries.Count: 0 };
            if (counts[element.LocalName] > 1)
            {
                var list = entries.GetValueOrDefault(element.LocalName) as ListValue ?? new ListValue([]);
                entries[element.LocalName] = isEmpty ? list : new ListValue([.. list.Elements, value]);
            }
            else if (!isEmpty)
            {
                entries[element.LocalName] = value;
            }
        }

        return new MapValue([.. entries]);
    }
}
