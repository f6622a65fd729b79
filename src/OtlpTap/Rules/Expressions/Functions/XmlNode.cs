namespace OtlpTap.Rules.Expressions.Functions;

internal enum XmlNodeKind : byte
{
    Document,
    Element,
    Text,
    CharacterData,
    Comment,
    Instruction,
}

/// <summary>A part of an XML text; names keep their prefix.</summary>
internal sealed class XmlNode(XmlNodeKind kind, string name, string content = "")
{
    public XmlNodeKind Kind { get; set; } = kind;

    public string Name { get; set; } = name;

    /// <summary>What a text, a comment or an instruction says.</summary>
    public string Content { get; set; } = content;

    public List<(string Name, string Value)> Attributes { get; } = [];

    public List<XmlNode> Children { get; } = [];

    public string LocalName => Name[(Name.IndexOf(':') + 1)..];
}
