using System.Globalization;
using OtlpTap.Otlp;

namespace OtlpTap.Detectors.Grounding;

/// <summary>Weighs what an answer states against the evidence; for one answer.</summary>
internal sealed class Judgement(AnswerText answer, Evidence evidence, IReadOnlyList<GroundingInput> inputs)
{
    private readonly List<UngroundedClaim> _ungrounded = [];
    private readonly NumberJudgement _numbers = new(answer, evidence);

    /// <summary>Every tool failed, and nothing else was given.</summary>
    private readonly bool _nothingGiven = inputs.Any(input => input.Source == GroundingSource.FailedTool)
        && !inputs.Any(input => input.Source is GroundingSource.ToolResult or GroundingSource.Document);

    public GroundingAssessment Give()
    {
        foreach (var claim in answer.Claims)
        {
            var weight = claim.Kind switch
            {
                ClaimKind.Number => _numbers.Weigh(claim),
                ClaimKind.Date => Date(claim.Element) ? 0 : 0.62,
                ClaimKind.Time => Time(claim.Element) ? 0 : 0.6,
                ClaimKind.Identifier => Identifier(claim) ? 0 : 0.65,
                ClaimKind.Address => evidence.Seen.Contains(Letters.Hash(Evidence.Address(claim.Text))) || (claim.Element.Kind == ElementKind.Path && Identifier(claim)) ? 0 : 0.65,
                ClaimKind.Name => Name(claim),
                ClaimKind.Quotation => Quotation(claim),
                _ => 0,
            };
            weight *= (claim.Sentence.IsUnable && claim.Sentence.Denies ? 0.3 : 1) * (claim.Sentence.IsOpen && claim.Kind is ClaimKind.Number or ClaimKind.Date or ClaimKind.Time ? 0.6 : 1);
            if (weight > 0.01)
            {
                _ungrounded.Add(new UngroundedClaim(claim.Kind, claim.Text, Math.Min(0.9, weight * (_nothingGiven ? 1.2 : 1))));
            }
        }

        Contradictions();
        Missing();
        Wording();
        var rest = 1.0;
        foreach (var claim in _ungrounded)
        {
            rest *= 1 - claim.Weight;
        }

        var share = (double)_ungrounded.Count / Math.Max(1, answer.Claims.Count);
        var score = (1 - rest) * (0.9 + (0.1 * Math.Min(1, share)));
        var heaviest = _ungrounded.OrderByDescending(claim => claim.Weight).ToList();
        return new GroundingAssessment
        {
            Judged = true,
            Score = Math.Round(Math.Clamp(score, 0, 1), 3),
            Claims = answer.Claims.Count,
            Ungrounded = heaviest,
            NothingGiven = _nothingGiven,
            Explanation = Explain(heaviest),
        };
    }

    private static string Explain(List<UngroundedClaim> heaviest) => heaviest switch
    {
        [] => "All that the answer states is in its inputs.",
        [{ Against: { } against } first, ..] => $"The answer says \"{Short(first.Text)}\" where its inputs say \"{Short(against)}\".",
        [var only] => $"\"{Short(only.Text)}\" is in none of the answer's inputs.",
        [var first, _] => $"\"{Short(first.Text)}\" and another statement of the answer are in none of its inputs.",
        [var first, ..] => string.Create(CultureInfo.InvariantCulture, $"\"{Short(first.Text)}\" and {heaviest.Count - 1} further statements of the answer are in none of its inputs."),
    };

    private static string Short(string text) => text.Cut(80, "...");

    private bool Date(in Element date)
    {
        foreach (var day in evidence.Days)
        {
            var (year, rest) = (day / 10_000, day % 10_000);
            if (rest == (date.Month * 100) + date.Day)
            {
                var years = Math.Abs(year - date.Year);
                if (year == 0 || date.Year == 0 || years == 0 || evidence.Principals.Contains(years) || evidence.Principals.Contains(years * 12))
                {
                    return true;
                }
            }
        }

        if (evidence.Days.Count <= 64 && evidence.Principals.Count > 0)
        {
            foreach (var day in evidence.Days)
            {
                if (DateTime.TryParseExact(day.ToString("D8", CultureInfo.InvariantCulture), "yyyyMMdd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var from)
                    && DateTime.TryParseExact(FormattableString.Invariant($"{(date.Year > 0 ? date.Year : from.Year):D4}{date.Month:D2}{date.Day:D2}"), "yyyyMMdd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var to)
                    && Math.Abs((to - from).TotalDays) is >= 2 and var days && evidence.Principals.Contains(days))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private bool Time(in Element time)
    {
        var minutes = time.Minutes;
        return evidence.Minutes.Contains(minutes) || (time.HalfDayOpen && evidence.Minutes.Contains((minutes + 720) % 1440))
            || (minutes % 60 == 0 && evidence.HasNumber(minutes / 60, 0.01, Dimension.None, unit => unit.Dimension == Dimension.None))
            || (minutes % 60 == 0 && minutes > 720 && evidence.HasNumber((minutes / 60) - 12, 0.01, Dimension.None, unit => unit.Dimension == Dimension.None));
    }

    private bool Identifier(in Claim claim)
    {
        if (evidence.Seen.Contains(Letters.HashOfKey(claim.Text)))
        {
            return true;
        }

        var parts = Evidence.KeyWords(claim.Text);
        return parts.Count > 0 && parts.All(part => evidence.Seen.Contains(Letters.Hash(part))
            || (char.IsAsciiDigit(part[0]) && double.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && evidence.HasNumber(number, 0.001, Dimension.None, _ => true)));
    }

    private double Name(in Claim claim)
    {
        var missing = claim.Words.Count(word => !evidence.Seen.Contains(Letters.Stem(word)) && !evidence.Seen.Contains(Letters.Hash(word)));
        if (missing == 0 || IsWrittenOut(claim.Words))
        {
            return 0;
        }

        if (claim.Words.Count == 1)
        {
            return claim.Text.Length <= 5 && claim.Text.All(char.IsUpper) ? 0.1 : 0.25;
        }

        return missing >= 2 ? 0.55 : 0.3;
    }

    /// <summary>San Francisco where the inputs have SFO, NVIDIA where they have NVDA.</summary>
    private bool IsWrittenOut(IReadOnlyList<string> words)
    {
        var name = string.Concat(words).ToUpperInvariant();
        return evidence.Codes.Any(code =>
        {
            var at = 0;
            foreach (var letter in name)
            {
                at += at < code.Length && code[at] == letter ? 1 : 0;
            }

            return name[0] == code[0] && at == code.Length;
        });
    }

    private double Quotation(in Claim claim)
    {
        var (pairs, seen) = (0, 0);
        for (var i = 1; i < claim.Words.Count; i++)
        {
            pairs++;
            seen += evidence.SeenPairs.Contains(Letters.Pair(ulong.Parse(claim.Words[i - 1], CultureInfo.InvariantCulture), ulong.Parse(claim.Words[i], CultureInfo.InvariantCulture))) ? 1 : 0;
        }

        return seen * 10 >= pairs * 7 ? 0 : 0.6;
    }

    private void Contradictions()
    {
        // What fields say.
        var told = new Dictionary<int, HashSet<int>>();
        var saidBy = new Dictionary<int, StatedField>();
        var found = new List<(int Group, int State, int Length)>();
        foreach (var field in evidence.Fields)
        {
            var isState = field.Boolean is null;
            var words = isState ? Split(field.Value) : Evidence.KeyWords(field.Key);
            for (var i = 0; i < words.Count; i++)
            {
                found.Clear();
                States.At(words, i, asValue: true, found);
                foreach (var (group, state, _) in found)
                {
                    if (field.Boolean == false || (i > 0 && Vocabulary.Negations.Contains(words[i - 1])))
                    {
                        continue;
                    }

                    (told.TryGetValue(group, out var states) ? states : told[group] = []).Add(state);
                    saidBy[group] = field;
                }
            }
        }

        var said = new List<(int Group, int State, bool Denied, Sentence Sentence)>();
        foreach (var sentence in answer.Sentences.Where(sentence => !sentence.IsQuestion && !sentence.IsOpen))
        {
            for (var i = 0; i < sentence.Words.Count; i++)
            {
                found.Clear();
                States.At(sentence.Words, i, asValue: false, found);
                foreach (var (group, state, _) in found)
                {
                    var denied = sentence.Words.Skip(Math.Max(0, i - 4)).Take(Math.Min(i, 4)).Where((word, index) => !(word == "no" && index == 0 && i <= 4)).Any(Vocabulary.Negations.Contains);
                    // "98 were imported and 2 failed" gives counts, where the inputs have a number of that name.
                    var partly = evidence.Nouns.Contains(Letters.Stem(sentence.Words[i])) || i > 0 && sentence.Words[i - 1] is "partly" or "mostly" or "teilweise" or "usually";
                    if (!partly)
                    {
                        said.Add((group, state, denied, sentence));
                    }
                }
            }
        }

        foreach (var group in said.GroupBy(one => one.Group))
        {
            if (!told.TryGetValue(group.Key, out var states) || group.Any(one => !one.Denied && states.Contains(one.State)))
            {
                if (_nothingGiven && group.FirstOrDefault(one => !one.Denied && !one.Sentence.IsUnable && group.Key != 6) is { Sentence: not null } unsupported && told.Count == 0)
                {
                    _ungrounded.Add(new UngroundedClaim(ClaimKind.Wording, States.Name(group.Key, unsupported.State), 0.3));
                }

                continue;
            }

            foreach (var (_, state, denied, sentence) in group)
            {
                var against = denied
                    ? states.Contains(state) && states.Count == 1
                    : !evidence.States.Contains((group.Key, state)) && states.All(other => !States.GoTogether(group.Key, state, other));
                if (against && !Quotes(sentence, saidBy[group.Key].Value))
                {
                    Contradicted(sentence, saidBy[group.Key].Value, saidBy[group.Key].Tool);
                    break;
                }
            }
        }

        foreach (var fields in evidence.Fields.Where(field => field.Boolean is not null).GroupBy(field => field.Key))
        {
            if (fields.Select(field => field.Boolean).Distinct().Count() > 1)
            {
                continue;
            }

            var stems = Evidence.KeyWords(fields.Key).Where(word => word.Length > 3 || word is "in").Where(word => word is not ("have" or "with" or "from" or "this" or "now" or "been" or "error")).Select(word => Letters.Stem(word)).ToList();
            if (stems.Count == 0 || fields.Key is "ok" or "success" or "strict")
            {
                continue;
            }

            var value = fields.First().Boolean == true;
            foreach (var sentence in answer.Sentences.Where(sentence => !sentence.IsQuestion && !sentence.IsOpen))
            {
                if (stems.All(stem => sentence.Words.Any(word => Letters.Stem(word) == stem)) && (value ? DeniesNear(sentence, stems) : !sentence.Denies && !sentence.IsUnable) && !sentence.Words.Contains("out"))
                {
                    Contradicted(sentence, fields.Key + ": " + fields.First().Value, fields.First().Tool);
                    break;
                }
            }
        }
    }

    /// <summary>All that is said stands in the very text: the answer repeats it, "not" and all.</summary>
    private static bool Quotes(Sentence sentence, string text)
    {
        var words = Split(text);
        return sentence.Words.Count <= words.Count && sentence.Words.TrueForAll(words.Contains);
    }

    private static bool DeniesNear(Sentence sentence, List<ulong> stems)
    {
        for (var i = 0; i < sentence.Words.Count; i++)
        {
            if (stems.Contains(Letters.Stem(sentence.Words[i])) && sentence.Words.Skip(Math.Max(0, i - 3)).Take(Math.Min(i, 3)).Any(word => word is "not" or "no" or "isn't" or "aren't" or "without" or "nicht" or "kein" or "keine" or "pas"))
            {
                return true;
            }
        }

        return false;
    }

    private void Contradicted(Sentence sentence, string against, string? tool) =>
        _ungrounded.Add(new UngroundedClaim(ClaimKind.Contradiction, string.Join(' ', sentence.Words), 0.85, against, tool));

    /// <summary>"There are no flights", where a list of flights came.</summary>
    private void Missing()
    {
        foreach (var sentence in answer.Sentences.Where(sentence => !sentence.IsQuestion && !sentence.IsOpen))
        {
            var at = sentence.Words.FindIndex(word => word is "no" or "any" or "keine" or "aucun" or "ningun");
            if (at < 0 || !sentence.Denies || answer.Claims.Any(claim => claim.Kind is ClaimKind.Identifier))
            {
                continue;
            }

            foreach (var word in sentence.Words.Skip(at + 1).Take(3))
            {
                if (evidence.Counts.TryGetValue(Letters.Stem(word), out var told) && told.Count > 0 && answer.Sentences.Count <= 3)
                {
                    Contradicted(sentence, FormattableString.Invariant($"{word}: {told.Count}"), told.Tool);
                    return;
                }
            }
        }
    }

    /// <summary>An answer most of whose content words are in no input, where something was given to answer from.</summary>
    private void Wording()
    {
        if (_nothingGiven || !inputs.Any(input => input.Source == GroundingSource.Document))
        {
            return;
        }

        foreach (var sentence in answer.Sentences.Where(sentence => !sentence.IsQuestion && !sentence.IsOpen && !sentence.IsAdvice && !sentence.IsUnable && !sentence.Denies))
        {
            var content = sentence.Words.Where(word => word.Length > 5 && !Vocabulary.Numbers.ContainsKey(word) && !Vocabulary.Arithmetic.Contains(word)).ToList();
            var unseen = content.Count(word => !evidence.Seen.Contains(Letters.Stem(word)));
            if (content.Count >= 5 && unseen * 4 >= content.Count * 3)
            {
                _ungrounded.Add(new UngroundedClaim(ClaimKind.Wording, string.Join(' ', sentence.Words), 0.56));
            }
        }
    }

    private static List<string> Split(string value) => [.. Evidence.KeyWords(value)];
}
