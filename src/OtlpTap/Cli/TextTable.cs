using System.Text;

namespace OtlpTap.Cli;

/// <summary>Rows under a head, as aligned text or as Markdown. What stands in cells is a sender's: control characters, which a terminal obeys, are blanks.</summary>
/// <param name="head">A name that begins with <c>&gt;</c> is of a column of numbers, which stand on the right; one with <c>~</c> of texts that say what matters at their end and are shown whole.</param>
internal sealed class TextTable(params string[] head)
{
    private const int CellMax = 80;

    // Of what is shown whole: longer than any sentence of the tap's.
    private const int WholeMax = 4096;

    private readonly List<string[]> _rows = [];

    public bool IsEmpty => _rows.Count == 0;

    /// <param name="cells">As many as the head has; <c>null</c> is an empty one.</param>
    public void Add(params ReadOnlySpan<string?> cells)
    {
        var row = new string[head.Length];
        for (var i = 0; i < row.Length; i++)
        {
            row[i] = Plain(cells[i] ?? "", head[i].StartsWith('~') ? WholeMax : CellMax);
        }

        _rows.Add(row);
    }

    public void WriteTo(TextWriter output, bool isMarkdown, string indent = "")
    {
        var names = head.Select(name => name.TrimStart('>', '~')).ToArray();
        var cells = isMarkdown ? [.. _rows.Select(row => row.Select(Escape).ToArray())] : _rows;
        var widths = names.Select((name, column) => Math.Max(isMarkdown ? Math.Max(name.Length, 3) : name.Length, cells.Select(row => row[column].Length).DefaultIfEmpty().Max())).ToArray();
        output.WriteLine(Line(names, widths, isMarkdown, indent));
        if (isMarkdown)
        {
            output.WriteLine($"|{string.Concat(widths.Select((width, column) => IsNumber(column) ? $"{new string('-', width + 1)}:|" : $"{new string('-', width + 2)}|"))}");
        }

        foreach (var row in cells)
        {
            output.WriteLine(Line(row, widths, isMarkdown, indent));
        }
    }

    /// <summary>One line that no terminal takes for more than text.</summary>
    public static string Plain(string text) => Plain(text, CellMax);

    private static string Plain(string text, int charactersMax)
    {
        var plain = string.Concat(text.Take(charactersMax).Select(character => char.IsControl(character) ? ' ' : character));
        return text.Length > charactersMax ? plain + "\u2026" : plain;
    }

    private bool IsNumber(int column) => head[column].StartsWith('>');

    private string Line(string[] cells, int[] widths, bool isMarkdown, string indent)
    {
        var padded = cells.Select((cell, column) => IsNumber(column) ? cell.PadLeft(widths[column]) : cell.PadRight(widths[column]));
        return isMarkdown ? $"| {string.Join(" | ", padded)} |" : (indent + string.Join("  ", padded)).TrimEnd();
    }

    private static string Escape(string cell) => new StringBuilder(cell).Replace("\\", "\\\\").Replace("|", "\\|").Replace("<", "&lt;").ToString();
}
