using System.Text;

namespace OtlpTap.Rules.Expressions.Functions;

/// <summary>
/// A row of comma-separated values. A text of several lines is one row: each line goes on with the last field of the one
/// before. Source: https://pkg.go.dev/encoding/csv, whose reader gives up a line at a wrong quote and keeps the fields
/// before it.
/// </summary>
internal static class CsvRow
{
    /// <summary>Null when there is no row.</summary>
    public static List<string>? Read(string text, string delimiter, bool lazyQuotes)
    {
        if (delimiter is "\"" or "\r" or "\n" || delimiter == ByteText.Of("\uFFFD"))
        {
            return null;
        }

        List<string>? row = null;
        var lines = new Lines(text);
        while (true)
        {
            var fields = ReadRecord(lines, delimiter, lazyQuotes, out var isRight);
            if (fields is null)
            {
                return row;
            }

            if (!isRight && fields.Count == 0)
            {
                return null;
            }

            if (row is null)
            {
                row = fields;
                continue;
            }

            row[^1] += "\n" + fields[0];
            row.AddRange(fields.Skip(1));
        }
    }

    /// <summary>Null at the end.</summary>
    private static List<string>? ReadRecord(Lines lines, string delimiter, bool lazyQuotes, out bool isRight)
    {
        isRight = true;
        string? line;
        do
        {
            line = lines.Next();
            if (line is null)
            {
                return null;
            }
        }
        while (line == "\n");

        var fields = new List<string>();
        while (true)
        {
            if (!line.StartsWith('"'))
            {
                var end = line.IndexOf(delimiter, StringComparison.Ordinal);
                var field = end >= 0 ? line[..end] : line.EndsWith('\n') ? line[..^1] : line;
                if (!lazyQuotes && field.Contains('"'))
                {
                    isRight = false;
                    return fields;
                }

                fields.Add(field);
                if (end < 0)
                {
                    return fields;
                }

                line = line[(end + delimiter.Length)..];
                continue;
            }

            if (!TryQuoted(lines, line[1..], delimiter, lazyQuotes, out var quoted, out var rest))
            {
                isRight = false;
                return fields;
            }

            fields.Add(quoted);
            if (rest is null)
            {
                return fields;
            }

            line = rest;
        }
    }

    /// <param name="rest">What follows the delimiter behind the field; null when the record ends with it.</param>
    private static bool TryQuoted(Lines lines, string line, string delimiter, bool lazyQuotes, out string field, out string? rest)
    {
        var text = new StringBuilder();
        rest = null;
        while (true)
        {
            var quote = line.IndexOf('"');
            if (quote >= 0)
            {
                text.Append(line, 0, quote);
                line = line[(quote + 1)..];
                if (line.StartsWith('"'))
                {
                    text.Append('"');
                    line = line[1..];
                }
                else if (line.StartsWith(delimiter, StringComparison.Ordinal))
                {
                    rest = line[delimiter.Length..];
                    field = text.ToString();
                    return true;
                }
                else if (line.Length == 0 || line == "\n")
                {
                    field = text.ToString();
                    return true;
                }
                else if (lazyQuotes)
                {
                    text.Append('"');
                }
                else
                {
                    field = "";
                    return false;
                }
            }
            else if (line.Length > 0)
            {
                text.Append(line);
                line = lines.Next() ?? "";
            }
            else
            {
                // The text ends within quotes.
                field = text.ToString();
                return lazyQuotes;
            }
        }
    }

    /// <summary>Lines with their end; a carriage return before it goes, and one at the end of all.</summary>
    private sealed class Lines(string text)
    {
        private int _at;

        public string? Next()
        {
            if (_at >= text.Length)
            {
                return null;
            }

            var end = text.IndexOf('\n', _at);
            var line = end < 0 ? text[_at..] : text[_at..(end + 1)];
            _at += line.Length;
            return line.EndsWith("\r\n", StringComparison.Ordinal) ? line[..^2] + "\n" : end < 0 && line.EndsWith('\r') ? line[..^1] : line;
        }
    }
}
