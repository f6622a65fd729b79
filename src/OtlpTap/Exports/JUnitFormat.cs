using System.Globalization;
using System.Xml;
using OtlpTap.Corpus;

namespace OtlpTap.Exports;

/// <summary>
/// The state of the corpus as a test report: a suite for each kind of failure. Open and regressed cases fail, muted and
/// expected ones are skipped, fixed ones pass.
/// </summary>
internal sealed class JUnitFormat : ICaseFormat
{
    private static readonly XmlWriterSettings Settings = new() { Indent = true, NewLineChars = "\n", Encoding = new System.Text.UTF8Encoding(encoderShouldEmitUTF8Identifier: false), CloseOutput = false };

    public string Name => "junit";

    public bool IsForReruns => false;

    public void Write(IReadOnlyList<ExportedCase> cases, ExportOptions options, Stream output)
    {
        using (var xml = XmlWriter.Create(output, Settings))
        {
            xml.WriteStartElement("testsuites");
            Attribute(xml, "name", options.Dataset);
            Totals(xml, cases);
            foreach (var suite in cases.GroupBy(exported => exported.Failure))
            {
                WriteSuite(xml, suite.Key, [.. suite]);
            }

            xml.WriteEndElement();
        }

        output.WriteByte((byte)'\n');
    }

    private static void WriteSuite(XmlWriter xml, string failure, List<ExportedCase> cases)
    {
        xml.WriteStartElement("testsuite");
        Attribute(xml, "name", failure);
        Totals(xml, cases);
        Attribute(xml, "time", "0");
        foreach (var exported in cases)
        {
            WriteCase(xml, exported);
        }

        xml.WriteEndElement();
    }

    private static void WriteCase(XmlWriter xml, ExportedCase exported)
    {
        var document = exported.Document;
        xml.WriteStartElement("testcase");
        Attribute(xml, "name", $"{document.Title} [{exported.Id}]");
        Attribute(xml, "classname", string.IsNullOrEmpty(document.Group.Agent) ? document.Service ?? exported.Failure : document.Group.Agent);
        Attribute(xml, "time", SecondsOf(document));
        Attribute(xml, "file", $"{exported.Folder}/{CaseDirectory.CaseFile}");
        if (document.Life.IsQuiet)
        {
            xml.WriteStartElement("skipped");
            Attribute(xml, "message", document.Life.Reason ?? exported.Status.Name());
            xml.WriteEndElement();
        }
        else if (exported.Status != CaseStatus.Fixed)
        {
            xml.WriteStartElement("failure");
            Attribute(xml, "type", exported.Failure);
            Attribute(xml, "message", exported.Why);
            xml.WriteString(Valid($"{exported.Status.Name()}, seen {exported.Count.ToString(CultureInfo.InvariantCulture)} times, last {JsonText.Of(exported.LastSeen)}\ntrace {document.TraceId}\ninput: {exported.Input}\nanswer: {exported.Answer}\n"));
            xml.WriteEndElement();
        }

        xml.WriteEndElement();
    }

    private static void Totals(XmlWriter xml, IReadOnlyCollection<ExportedCase> cases)
    {
        Attribute(xml, "tests", Text(cases.Count));
        Attribute(xml, "failures", Text(cases.Count(exported => exported.Status is CaseStatus.Open or CaseStatus.Regressed)));
        Attribute(xml, "errors", "0");
        Attribute(xml, "skipped", Text(cases.Count(exported => exported.Document.Life.IsQuiet)));
    }

    private static string SecondsOf(CaseDocument document) =>
        (document.LastSpanUnixNano > document.FirstSpanUnixNano && document.FirstSpanUnixNano > 0 ? (document.LastSpanUnixNano - document.FirstSpanUnixNano) / 1e9 : 0).ToString("0.###", CultureInfo.InvariantCulture);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static void Attribute(XmlWriter xml, string name, string value) => xml.WriteAttributeString(name, Valid(value));

    // What a sender wrote may hold characters that XML has no form for, not even escaped.
    private static string Valid(string text)
    {
        if (text.All(XmlConvert.IsXmlChar))
        {
            return text;
        }

        var valid = new System.Text.StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (i + 1 < text.Length && XmlConvert.IsXmlSurrogatePair(text[i + 1], text[i]))
            {
                valid.Append(text[i]).Append(text[++i]);
            }
            else
            {
                valid.Append(XmlConvert.IsXmlChar(text[i]) ? text[i] : '\ufffd');
            }
        }

        return valid.ToString();
    }
}
