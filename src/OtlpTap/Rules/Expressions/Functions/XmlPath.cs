using System.Xml;
using System.Xml.XPath;

namespace OtlpTap.Rules.Expressions.Functions;

/// <summary>What an XPath selected: a node of the document, or one of its attributes.</summary>
/// <param name="Parent">Null for the document itself.</param>
internal sealed record XmlMatch(XmlNode Node, XmlNode? Parent, string? Attribute);

/// <summary>
/// An XPath on a document as <see cref="XmlText"/> reads it. The selection is System.Xml's; prefixes are taken as names,
/// whatever they may be declared as.
/// </summary>
internal sealed class XmlPath
{
    private readonly XPathExpression _expression;

    private XmlPath(XPathExpression expression) => _expression = expression;

    /// <summary>Null for what is no XPath.</summary>
    public static XmlPath? Parse(string text)
    {
        try
        {
            return new XmlPath(XPathExpression.Compile(text, new Prefixes()));
        }
        catch (Exception wrong) when (wrong is XPathException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>In the order of the document; null when it selects no nodes but a number or a text, or the document has a name that is none.</summary>
    public List<XmlMatch>? Select(XmlNode document)
    {
        var matches = new Dictionary<System.Xml.XmlNode, XmlMatch>();
        try
        {
            var copy = new XmlDocument { XmlResolver = null };
            matches.Add(copy, new XmlMatch(document, null, null));

            // Only one element may stand at the top of the copy, and texts may not: what is asked for stands in a fragment of it.
            var root = copy.CreateDocumentFragment();
            matches.Add(root, matches[copy]);
            Copy(document, root, copy, matches);
            var iterator = root.CreateNavigator()!.Select(_expression);
            var selected = new List<XmlMatch>();
            while (iterator.MoveNext())
            {
                if (iterator.Current!.UnderlyingObject is System.Xml.XmlNode node && matches.TryGetValue(node, out var match))
                {
                    selected.Add(match);
                }
            }

            return selected;
        }
        catch (Exception wrong) when (wrong is XmlException or XPathException or ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }

    private static void Copy(XmlNode from, System.Xml.XmlNode to, XmlDocument document, Dictionary<System.Xml.XmlNode, XmlMatch> matches)
    {
        foreach (var child in from.Children)
        {
            System.Xml.XmlNode? copy = child.Kind switch
            {
                XmlNodeKind.Element => CreateElement(child, document, matches),
                XmlNodeKind.Text => document.CreateTextNode(ByteText.ToDisplay(child.Content)),
                XmlNodeKind.CharacterData => document.CreateCDataSection(ByteText.ToDisplay(child.Content)),
                XmlNodeKind.Comment => document.CreateComment(ByteText.ToDisplay(child.Content)),
                _ => null,
            };
            if (copy is not null)
            {
                to.AppendChild(copy);
                matches[copy] = new XmlMatch(child, from, null);
                Copy(child, copy, document, matches);
            }
        }
    }

    private static XmlElement CreateElement(XmlNode from, XmlDocument document, Dictionary<System.Xml.XmlNode, XmlMatch> matches)
    {
        var (prefix, name) = Split(from.Name);
        var element = document.CreateElement(prefix, name, Prefixes.NamespaceOf(prefix));
        foreach (var (attributeName, value) in from.Attributes)
        {
            var (attributePrefix, localName) = Split(attributeName);
            if (attributePrefix == "xmlns" || attributeName == "xmlns")
            {
                continue;
            }

            var attribute = document.CreateAttribute(attributePrefix, localName, Prefixes.NamespaceOf(attributePrefix));
            attribute.Value = ByteText.ToDisplay(value);
            element.Attributes.Append(attribute);
            matches[attribute] = new XmlMatch(from, null, attributeName);
        }

        return element;
    }

    private static (string Prefix, string Name) Split(string name)
    {
        var display = ByteText.ToDisplay(name);
        var colon = display.IndexOf(':');
        return colon < 0 ? ("", display) : (display[..colon], display[(colon + 1)..]);
    }

    /// <summary>Every prefix is declared, as itself.</summary>
    private sealed class Prefixes : IXmlNamespaceResolver
    {
        public static string NamespaceOf(string prefix) => prefix switch
        {
            "" => "",
            "xml" => "http://www.w3.org/XML/1998/namespace",
            _ => "prefix:" + prefix,
        };

        public IDictionary<string, string> GetNamespacesInScope(XmlNamespaceScope scope) => new Dictionary<string, string>();

        public string? LookupNamespace(string prefix) => NamespaceOf(prefix);

        public string? LookupPrefix(string namespaceName) => null;
    }
}
