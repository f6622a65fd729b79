using System.Buffers;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using OtlpTap.Otlp;
using OtlpTap.Rules.Expressions;
using OtlpTap.Rules.Patterns;

namespace OtlpTap.Redact;

/// <summary>
/// Takes out of texts what is personal or secret, also in JSON and in JSON within JSON. What it put in the place of
/// something is left alone the next time. Not thread-safe.
/// </summary>
internal sealed class Redactor
{
    // JSON in a string of JSON in a string: what an agent sends to an agent. Each level doubles the escapes, 12 make 4,096
    // of each quote. Deeper, the text is read as it stands.
    private const int NestingMax = 12;
    private const int JsonDepthMax = 512;

    // About a second of one core for the operator's own patterns over one text; what takes longer is taken out whole.
    private const long PatternStepsMax = 30_000_000;

    private static readonly JsonReaderOptions JsonOptions = new() { MaxDepth = JsonDepthMax };

    private readonly RedactOptions _options;
    private readonly byte[] _key;
    private readonly List<(Pattern Gate, CapturePattern Pattern)> _patterns = [];

    /// <param name="key">Of <see cref="RedactMode.Hash"/>; any bytes.</param>
    /// <exception cref="ArgumentException">A pattern cannot be used; the configuration says so before.</exception>
    public Redactor(RedactOptions options, ReadOnlySpan<byte> key = default)
    {
        _options = options;
        _key = key.ToArray();
        foreach (var text in options.Patterns)
        {
            if (Problem(text) is { } problem)
            {
                throw new ArgumentException(problem, nameof(options));
            }

            _patterns.Add((Pattern.Parse(text, out _)!, CapturePattern.Parse(text, out _)!));
        }
    }

    public bool IsEnabled => _options.IsEnabled;

    public RedactMode Mode => _options.Mode;

    /// <summary>How many things of each kind were taken out since the last <see cref="ResetCounts"/>.</summary>
    public int[] Counts { get; } = new int[SensitiveNames.All.Length];

    public void ResetCounts() => Counts.AsSpan().Clear();

    /// <summary>Why a pattern of the operator's cannot be used; null when it can.</summary>
    public static string? Problem(string pattern)
    {
        if (Pattern.Parse(pattern, out var problem) is not { } parsed || CapturePattern.Parse(pattern, out problem) is null)
        {
            return problem;
        }

        return parsed.IsMatch(""u8) ? "matches the empty text: it would be found everywhere" : null;
    }

    /// <summary>What a value under this name is, whatever it holds; null where the name says nothing.</summary>
    public Sensitive? KindOf(ReadOnlySpan<byte> key) => IsNamed(key) ? Sensitive.Attribute : SensitiveKeys.KindOf(key);

    /// <summary>Whether the operator named this attribute.</summary>
    public bool IsNamed(ReadOnlySpan<byte> key)
    {
        foreach (var name in _options.Attributes)
        {
            if (key.Length <= 1024 && NamePattern.IsMatch(name, key, ignoresCase: true))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The text without what must not be written.</summary>
    public string Redact(string text)
    {
        var output = new ArrayBufferWriter<byte>();
        return TryRedact(Encoding.UTF8.GetBytes(text), default, output) ? Encoding.UTF8.GetString(output.WrittenSpan) : text;
    }

    /// <summary>False: nothing was found, and nothing written to <paramref name="output"/>.</summary>
    /// <param name="key">The name of what the text is the value of; may be empty.</param>
    public bool TryRedact(ReadOnlySpan<byte> text, ReadOnlySpan<byte> key, ArrayBufferWriter<byte> output) =>
        _options.IsEnabled && TryRedact(text, key, output, nesting: 0);

    /// <summary>What stands in the place of a value.</summary>
    public void WritePlaceholder(ReadOnlySpan<byte> value, Sensitive kind, ArrayBufferWriter<byte> output)
    {
        Counts[(int)kind]++;
        if (_options.Mode == RedactMode.Drop)
        {
            return;
        }

        output.Write("["u8);
        output.Write(Encoding.ASCII.GetBytes(kind.Name()));
        if (_options.Mode == RedactMode.Hash)
        {
            const int HashBytes = 6;
            Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
            HMACSHA256.HashData(_key, value, hash);
            output.Write(":"u8);
            output.Write(Encoding.ASCII.GetBytes(Convert.ToHexStringLower(hash[..HashBytes])));
        }

        output.Write("]"u8);
    }

    /// <summary>Whether a text is nothing but one of our placeholders.</summary>
    public static bool IsPlaceholder(ReadOnlySpan<byte> text)
    {
        if (text is not [(byte)'[', .., (byte)']'] || text.Length > 40)
        {
            return false;
        }

        var name = text[1..^1];
        var colon = name.IndexOf((byte)':');
        name = colon < 0 ? name : name[..colon];
        foreach (var known in SensitiveNames.All)
        {
            if (Ascii.Equals(name, known))
            {
                return true;
            }
        }

        return false;
    }

    private bool TryRedact(ReadOnlySpan<byte> text, ReadOnlySpan<byte> key, ArrayBufferWriter<byte> output, int nesting)
    {
        if (text.IsEmpty || IsPlaceholder(text))
        {
            return false;
        }

        if (KindOf(key) is { } named)
        {
            WritePlaceholder(text, named, output);
            return true;
        }

        if (nesting < NestingMax && LooksLikeJson(text))
        {
            var before = output.WrittenCount;
            try
            {
                return TryRedactJson(text, output, nesting);
            }
            catch (Exception exception) when (exception is JsonException or InvalidOperationException)
            {
                // No JSON after all, or half of it; or escapes that are no characters. It is read as plain text.
                Debug.Assert(output.WrittenCount == before, "JSON is written when all of it was read.");
            }
        }

        return TryRedactPlain(text, SensitiveKeys.IsPhone(key), output);
    }

    private static bool LooksLikeJson(ReadOnlySpan<byte> text)
    {
        var first = text.IndexOfAnyExcept(" \t\r\n"u8);
        return first >= 0 && text[first] is (byte)'{' or (byte)'[';
    }

    private bool TryRedactJson(ReadOnlySpan<byte> text, ArrayBufferWriter<byte> output, int nesting)
    {
        // All but the texts that change is copied as it is: spaces, order, numbers.
        var result = new ArrayBufferWriter<byte>();
        var copied = 0;
        var key = new ArrayBufferWriter<byte>();
        var value = new ArrayBufferWriter<byte>();
        var changed = new ArrayBufferWriter<byte>();
        var json = new Utf8JsonReader(text, JsonOptions);
        while (json.Read())
        {
            switch (json.TokenType)
            {
                case JsonTokenType.PropertyName:
                    Unescape(json, key);
                    changed.ResetWrittenCount();
                    if (TryRedactPlain(key.WrittenSpan, false, changed))
                    {
                        Replace(text, json, changed.WrittenSpan, result, ref copied);
                    }

                    break;

                case JsonTokenType.String:
                    Unescape(json, value);
                    changed.ResetWrittenCount();
                    if (TryRedact(value.WrittenSpan, key.WrittenSpan, changed, nesting + 1))
                    {
                        Replace(text, json, changed.WrittenSpan, result, ref copied);
                    }

                    break;

                case JsonTokenType.Number:
                    changed.ResetWrittenCount();
                    if (KindOf(key.WrittenSpan) is { } named)
                    {
                        WritePlaceholder(json.ValueSpan, named, changed);
                        Replace(text, json, changed.WrittenSpan, result, ref copied);
                    }
                    else if (IsSensitiveNumber(json.ValueSpan, key.WrittenSpan) is { } kind)
                    {
                        WritePlaceholder(json.ValueSpan, kind, changed);
                        Replace(text, json, changed.WrittenSpan, result, ref copied);
                    }

                    break;

                // A named property goes whole, what others say of their values holds for texts and numbers in lists as well.
                case JsonTokenType.StartObject or JsonTokenType.StartArray when IsNamed(key.WrittenSpan):
                    changed.ResetWrittenCount();
                    var start = (int)json.TokenStartIndex;
                    json.Skip();
                    var whole = text[start..(int)json.BytesConsumed];
                    WritePlaceholder(whole, Sensitive.Attribute, changed);
                    Put(text, start, (int)json.BytesConsumed, changed.WrittenSpan, result, ref copied);
                    key.ResetWrittenCount();
                    break;

                case JsonTokenType.StartObject or JsonTokenType.EndObject or JsonTokenType.EndArray:
                    key.ResetWrittenCount();
                    break;
            }
        }

        if (copied == 0)
        {
            return false;
        }

        output.Write(result.WrittenSpan);
        output.Write(text[copied..]);
        return true;
    }

    /// <summary>A number that is written as one: of a card; of a telephone where its name says so.</summary>
    public static Sensitive? IsSensitiveNumber(ReadOnlySpan<byte> digits, ReadOnlySpan<byte> key)
    {
        if (digits.IsEmpty || digits.ContainsAnyExceptInRange((byte)'0', (byte)'9'))
        {
            return null;
        }

        return digits.Length is >= 13 and <= 16 && PaymentCard.IsValid(digits) ? Sensitive.Card
            : digits.Length is >= 7 and <= 15 && SensitiveKeys.IsPhone(key) ? Sensitive.Phone
            : null;
    }

    private static void Unescape(in Utf8JsonReader json, ArrayBufferWriter<byte> text)
    {
        text.ResetWrittenCount();
        var length = json.CopyString(text.GetSpan(Math.Max(1, json.ValueSpan.Length)));
        text.Advance(length);
    }

    private static void Replace(ReadOnlySpan<byte> text, in Utf8JsonReader json, ReadOnlySpan<byte> with, ArrayBufferWriter<byte> result, ref int copied)
    {
        var start = (int)json.TokenStartIndex;

        // What is consumed of a property's name includes its colon.
        var end = json.TokenType == JsonTokenType.Number ? start + json.ValueSpan.Length : start + json.ValueSpan.Length + 2;
        Put(text, start, end, with, result, ref copied);
    }

    private static void Put(ReadOnlySpan<byte> text, int start, int end, ReadOnlySpan<byte> with, ArrayBufferWriter<byte> result, ref int copied)
    {
        result.Write(text[copied..start]);
        result.Write("\""u8);
        result.Write(JsonEncodedText.Encode(Encoding.UTF8.GetString(with), JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes);
        result.Write("\""u8);
        copied = end;
    }

    private bool TryRedactPlain(ReadOnlySpan<byte> text, bool isPhone, ArrayBufferWriter<byte> output)
    {
        var findings = new List<Finding>();
        if (FoldedText.Of(text) is { } folded)
        {
            TextScanner.Find(folded.Text, isPhone, findings);
            findings = findings.ConvertAll(found => folded.Original(found));
        }
        else
        {
            TextScanner.Find(text, isPhone, findings);
        }

        if (!TryAddOwn(text, ref findings))
        {
            WritePlaceholder(text, Sensitive.Pattern, output);
            return true;
        }

        var copied = 0;
        foreach (var finding in findings)
        {
            var value = text.Slice(finding.Start, finding.Length);
            if (!IsPlaceholder(value))
            {
                output.Write(text[copied..finding.Start]);
                WritePlaceholder(value, finding.Kind, output);
                copied = finding.End;
            }
        }

        if (copied > 0)
        {
            output.Write(text[copied..]);
        }

        return copied > 0;
    }

    /// <summary>Joins what the operator's patterns match. False when that takes too long.</summary>
    private bool TryAddOwn(ReadOnlySpan<byte> text, ref List<Finding> findings)
    {
        var stepsLeft = PatternStepsMax;
        string? bytes = null;
        var isAdded = false;
        foreach (var (gate, pattern) in _patterns)
        {
            if (!gate.IsMatch(text))
            {
                continue;
            }

            bytes ??= ByteText.Of(text);
            for (var from = 0; from <= bytes.Length && pattern.TryFind(bytes, from, ref stepsLeft, out var start, out var end); from = Math.Max(end, from + 1))
            {
                if (end > start)
                {
                    findings.Add(new Finding(start, end - start, Sensitive.Pattern));
                    isAdded = true;
                }
            }

            if (stepsLeft <= 0)
            {
                return false;
            }
        }

        if (isAdded)
        {
            findings = Disjoint(findings);
        }

        return true;
    }

    // The first one keeps its place and takes in what reaches out of it.
    private static List<Finding> Disjoint(List<Finding> findings)
    {
        findings.Sort(static (one, other) => one.Start != other.Start ? one.Start.CompareTo(other.Start) : other.Length.CompareTo(one.Length));
        var disjoint = new List<Finding>();
        foreach (var finding in findings)
        {
            if (disjoint.Count > 0 && finding.Start < disjoint[^1].End)
            {
                var last = disjoint[^1];
                disjoint[^1] = last with { Length = Math.Max(last.End, finding.End) - last.Start };
            }
            else
            {
                disjoint.Add(finding);
            }
        }

        return disjoint;
    }
}
