namespace OtlpTap.Detectors.Grounding;

/// <summary>A sentence of the answer, or a line of a list.</summary>
internal sealed class Sentence
{
    public required int Start { get; init; }
    public required int End { get; set; }
    public List<string> Words { get; } = [];
    public bool IsQuestion { get; set; }
    public bool IsOpen { get; set; }
    public bool IsAdvice { get; set; }
    public bool IsUnable { get; set; }
    public bool Computes { get; set; }
    public bool Approximates { get; set; }
    public bool Denies { get; set; }
}

/// <summary>Something that an answer states.</summary>
internal readonly record struct Claim(ClaimKind Kind, string Text, Sentence Sentence, Element Element, IReadOnlyList<string> Words);

/// <summary>What an answer says: its sentences, and what in them can be looked for. Fenced code is none of it.</summary>
internal sealed class AnswerText
{
    private readonly string _text;
    private readonly bool _german;

    private AnswerText(string text)
    {
        _text = text;
        var hits = 0;
        foreach (var range in text.AsSpan().SplitAny(' ', '\n', ',', '.'))
        {
            hits += text.AsSpan(range) is { Length: > 1 } word && Vocabulary.Has(Vocabulary.German, word) ? 1 : 0;
        }

        _german = hits >= 2;
    }

    public List<Claim> Claims { get; } = [];
    public List<Sentence> Sentences { get; } = [];
    public HashSet<ulong> Wanted { get; } = [];
    public HashSet<ulong> WantedPairs { get; } = [];
    public bool IsEmpty => Sentences.Count == 0;

    public static AnswerText Read(string answer, int claimsMax)
    {
        var text = new AnswerText(WithoutCode(answer));
        text.Split();
        text.Find(claimsMax);
        return text;
    }

    private static string WithoutCode(string answer)
    {
        if (!answer.Contains("```", StringComparison.Ordinal))
        {
            return answer;
        }

        var pieces = answer.Split("```");
        for (var i = 1; i < pieces.Length; i += 2)
        {
            pieces[i] = "\n";
        }

        return string.Concat(pieces);
    }

    private void Split()
    {
        var start = 0;
        for (var i = 0; i <= _text.Length; i++)
        {
            var c = i < _text.Length ? _text[i] : '\n';
            var ends = c == '\n' || (c is '.' or '!' or '?' or ';' && (i + 1 == _text.Length || char.IsWhiteSpace(_text[i + 1])) && !IsAbbreviation(i));
            if (ends)
            {
                if (i > start && _text.AsSpan(start, i - start).Trim().Length > 0)
                {
                    Sentences.Add(new Sentence { Start = start, End = i, IsQuestion = c == '?' });
                }

                start = i + 1;
            }
        }
    }

    /// <summary>"1.", "J.", "e.g.", "Dr.": a point that ends no sentence. "14. März" as well.</summary>
    private bool IsAbbreviation(int point)
    {
        if (_text[point] != '.')
        {
            return false;
        }

        var start = point;
        while (start > 0 && (char.IsLetterOrDigit(_text[start - 1]) || _text[start - 1] == '.'))
        {
            start--;
        }

        var word = _text.AsSpan(start, point - start);
        return word is "e.g" or "i.e" or "Dr" or "Mr" or "Mrs" or "Ms" or "Prof" or "al" or "vs" || (word.Length == 1 && char.IsUpper(word[0]) && word[0] != 'I')
            || (word.Length is 1 or 2 && char.IsAsciiDigit(word[0]) && point + 2 < _text.Length && char.IsLetter(_text[point + 2]));
    }

    private void Find(int claimsMax)
    {
        var json = Fields.LooksLikeJson(_text);
        foreach (var sentence in Sentences)
        {
            var span = _text.AsSpan(sentence.Start, sentence.End - sentence.Start);
            var found = new List<(Element Element, string Text)>();
            var reader = new ElementReader(span);
            while (reader.MoveNext())
            {
                var element = reader.Current;
                var text = span.Slice(element.Start, Math.Min(element.Length, span.Length - element.Start)).ToString();
                found.Add((element, text));
                if (element.Kind == ElementKind.Word)
                {
                    if (sentence.Words.Count == 0 && IsInterjection(text, span[element.End..]))
                    {
                        continue;
                    }

                    Mark(sentence, text);
                }
                else if (element.Kind == ElementKind.Number && element.Worded)
                {
                    Mark(sentence, text.Split(' ')[0]);
                }
            }

            if (!sentence.IsQuestion)
            {
                Elements(sentence, span, found, claimsMax);
                if (!json && !span.TrimStart().StartsWith("#"))
                {
                    Names(sentence, found, claimsMax);
                    Quotations(sentence, span, claimsMax);
                }
            }
        }
    }

    /// <summary>"No: the payment failed" answers a question; "No payment failed" denies one.</summary>
    private static bool IsInterjection(string word, ReadOnlySpan<char> rest) =>
        Letters.FoldAll(word) is "no" or "nope" or "nein" or "non" && rest is [',' or ':' or '!' or '\u2013' or '\u2014', ..] or [' ', '-' or '\u2013' or '\u2014', ..];

    private static void Mark(Sentence sentence, string word)
    {
        var folded = Letters.FoldAll(word);
        sentence.Words.Add(folded);
        sentence.IsOpen |= Vocabulary.Openers.Contains(folded);
        sentence.IsAdvice |= Vocabulary.Advice.Contains(folded);
        sentence.IsUnable |= Vocabulary.Unable.Contains(folded);
        sentence.Computes |= Vocabulary.Arithmetic.Contains(folded);
        sentence.Approximates |= Vocabulary.Approximations.Contains(folded);
        sentence.Denies |= Vocabulary.Negations.Contains(folded);
    }

    private void Elements(Sentence sentence, ReadOnlySpan<char> span, List<(Element Element, string Text)> found, int claimsMax)
    {
        sentence.Computes |= span.ContainsAny('=', '\u00D7');
        for (var i = 0; i < found.Count && Claims.Count < claimsMax; i++)
        {
            var (element, text) = found[i];
            var kind = element.Kind switch
            {
                ElementKind.Number => ClaimKind.Number,
                ElementKind.Date => ClaimKind.Date,
                ElementKind.Time => ClaimKind.Time,
                ElementKind.Identifier => ClaimKind.Identifier,
                ElementKind.Address or ElementKind.Path => ClaimKind.Address,
                _ => ClaimKind.Wording,
            };
            if (kind == ClaimKind.Wording)
            {
                continue;
            }

            var listMark = kind == ClaimKind.Number && !element.Worded && span[..element.Start].Trim(" \t*-#").IsEmpty && element.End < span.Length && span[element.End] is '.' or ')' && element.Value < 100;
            var outOf = kind == ClaimKind.Number && element.Start > 0 && span[element.Start - 1] == '/' && element.Value is 5 or 7 or 10 or 100;
            if (listMark || outOf || element.Ordinal || (text == "24" && element.End + 1 < span.Length && span[element.End] == '/'))
            {
                continue;
            }

            Want(text);
            var near = found.Skip(Math.Max(0, i - 4)).Take(9).Where(other => other.Element.Kind == ElementKind.Word).Select(other => other.Text).ToList();
            foreach (var word in near)
            {
                Wanted.Add(Letters.Stem(word));
            }

            Claims.Add(new Claim(kind, text, sentence, element, near));
        }

        foreach (var word in sentence.Words)
        {
            Wanted.Add(Letters.Stem(word));
        }
    }

    private void Names(Sentence sentence, List<(Element Element, string Text)> found, int claimsMax)
    {
        var capitals = found.Count(one => one.Element.Kind == ElementKind.Word && char.IsUpper(one.Text[0]));
        var words = found.Count(one => one.Element.Kind == ElementKind.Word);
        for (var i = 0; i < found.Count && Claims.Count < claimsMax; i++)
        {
            var run = new List<string>();
            var start = i;
            while (i < found.Count && IsName(found[i]) && (i == start || found[i].Element.Start - found[i - 1].Element.End <= 2 && _text[sentence.Start + found[i].Element.Start - 1] is ' ' or '.' or '-'))
            {
                run.Add(found[i].Text);
                i++;
            }

            if (run.Count == 0)
            {
                continue;
            }

            var isFirst = found[start].Element.Start == 0 || _text.AsSpan(sentence.Start, found[start].Element.Start).Trim(" *-|>\"'(\u201C:").IsEmpty || _text[sentence.Start + found[start].Element.Start - 1] is '*' or ':' or '|' or '"'
                || (found[start].Element.Start > 1 && _text[sentence.Start + found[start].Element.Start - 2] is ':' or '-' or '|');
            // A heading or a table's row in capitals names nothing; German writes every noun so.
            if ((isFirst && run.Count == 1) || (_german && run.Count == 1) || (words > 3 && capitals * 10 > words * 8 && run.Count > 3))
            {
                continue;
            }

            if (isFirst && (Vocabulary.Has(Vocabulary.NoNames, run[0]) || _german))
            {
                run.RemoveAt(0);
            }

            run.RemoveAll(word => Vocabulary.Has(Vocabulary.NoNames, word) || Vocabulary.Months.ContainsKey(Letters.FoldAll(word)) || Vocabulary.Weekdays.ContainsKey(Letters.FoldAll(word)));
            if (run.Count > 0)
            {
                foreach (var word in run)
                {
                    Wanted.Add(Letters.Stem(word));
                    Wanted.Add(Letters.Hash(word));
                }

                Claims.Add(new Claim(ClaimKind.Name, string.Join(' ', run), sentence, default, run));
            }
        }
    }

    private static bool IsName((Element Element, string Text) one) => one.Element.Kind == ElementKind.Word && one.Text.Length > 1 && char.IsUpper(one.Text[0]);

    private void Quotations(Sentence sentence, ReadOnlySpan<char> span, int claimsMax)
    {
        for (var i = 0; i < span.Length && Claims.Count < claimsMax; i++)
        {
            if (span[i] is not ('"' or '\u201C' or '\u201E' or '\u00AB'))
            {
                continue;
            }

            var length = span[(i + 1)..].IndexOfAny("\"\u201D\u201C\u00BB");
            length = length < 0 ? span.Length - i - 1 : length;
            var quoted = span.Slice(i + 1, length);
            var hashes = new List<ulong>();
            var reader = new ElementReader(quoted);
            while (reader.MoveNext())
            {
                hashes.Add(Letters.Hash(quoted.Slice(reader.Current.Start, Math.Min(reader.Current.Length, quoted.Length - reader.Current.Start))));
            }

            if (hashes.Count >= 4)
            {
                for (var k = 1; k < hashes.Count; k++)
                {
                    WantedPairs.Add(Letters.Pair(hashes[k - 1], hashes[k]));
                }

                Claims.Add(new Claim(ClaimKind.Quotation, quoted.ToString(), sentence, default, [.. hashes.Select(hash => hash.ToString(System.Globalization.CultureInfo.InvariantCulture))]));
            }

            i += length + 1;
        }
    }

    private void Want(string text)
    {
        Wanted.Add(Letters.HashOfKey(text));
        Wanted.Add(Letters.Hash(Evidence.Address(text)));
        foreach (var word in Evidence.KeyWords(text))
        {
            Wanted.Add(Letters.Stem(word));
            Wanted.Add(Letters.Hash(word));
        }
    }
}
