using System.Text;

namespace OtlpTap.Rules.Expressions.Times;

/// <summary>
/// The percent directives of <c>Time</c> and <c>FormatTime</c> (<c>%Y-%m-%d</c>), which are put into layouts. Some differ
/// from C's: <c>%L</c>, <c>%f</c> and <c>%s</c> are fractions of a second, <c>%i %j %k %w</c> offsets, <c>%o %q</c> months,
/// <c>%e %g</c> days.
/// Source: github.com/open-telemetry/opentelemetry-collector-contrib, pkg/ottl/ottlfuncs/README.md, Time.
/// </summary>
internal sealed class TimeFormat
{
    /// <summary>A format of more directives is no format of a time; it keeps the recursion in bounds.</summary>
    private const int DirectivesMax = 64;

    private static readonly Dictionary<string, string> Written = new(StringComparer.Ordinal)
    {
        ["%Y"] = "2006", ["%y"] = "06", ["%m"] = "01", ["%o"] = "_1", ["%q"] = "1", ["%b"] = "Jan", ["%h"] = "Jan", ["%B"] = "January",
        ["%d"] = "02", ["%e"] = "_2", ["%g"] = "2", ["%a"] = "Mon", ["%A"] = "Monday", ["%H"] = "15", ["%l"] = "3", ["%I"] = "03",
        ["%p"] = "PM", ["%P"] = "pm", ["%M"] = "04", ["%S"] = "05", ["%L"] = "999", ["%f"] = "999999", ["%s"] = "999999999",
        ["%Z"] = "MST", ["%z"] = "Z0700", ["%w"] = "-070000", ["%i"] = "-07", ["%j"] = "-07:00", ["%k"] = "-07:00:00",
        ["%D"] = "01/02/2006", ["%x"] = "01/02/2006", ["%F"] = "2006-01-02", ["%T"] = "15:04:05", ["%X"] = "15:04:05",
        ["%r"] = "03:04:05 pm", ["%R"] = "15:04", ["%n"] = "\n", ["%t"] = "\t", ["%%"] = "%", ["%c"] = "Mon Jan 02 15:04:05 2006",
    };

    /// <summary>Where reading is more lenient than writing: the forms that are tried one after the other, cut into their elements.</summary>
    private static readonly Dictionary<string, string[][]> Read = new(StringComparer.Ordinal)
    {
        ["%m"] = [["1"]], ["%o"] = [["1"]], ["%q"] = [["1"]], ["%d"] = [["2"]], ["%e"] = [["2"]], ["%g"] = [["2"]], ["%I"] = [["3"]], ["%M"] = [["4"]], ["%S"] = [["5"]],
        ["%D"] = [["1", "/", "2", "/", "2006"], ["1", "/", "2", "/", "06"]],
        ["%x"] = [["1", "/", "2", "/", "2006"], ["1", "/", "2", "/", "06"]],
        ["%F"] = [["2006", "-", "1", "-", "2"]],
        ["%T"] = [["15", ":", "4", ":", "5"]],
        ["%X"] = [["15", ":", "4", ":", "5"]],
        ["%r"] = [["3", ":", "4", ":", "5", " ", "pm"]],
        ["%R"] = [["15", ":", "4"]],
        ["%c"] = [["Mon", " ", "Jan", " ", "2", " ", "15", ":", "4", ":", "5", " ", "2006"]],
        ["%z"] = [["Z0700"], ["Z07:00"], ["Z07"]],
    };

    private readonly string _format;
    private readonly List<(int Start, int End)> _directives;

    private TimeFormat(string format, List<(int Start, int End)> directives)
    {
        _format = format;
        _directives = directives;
    }

    /// <summary>Null, and what is wrong with the format.</summary>
    public static TimeFormat? Parse(string format, out string problem)
    {
        problem = "";
        if (format.Length == 0)
        {
            problem = "The format of a time is empty.";
        }
        else if (format.AsSpan().ContainsAnyInRange('0', '9'))
        {
            problem = "The format of a time has no digits, but directives such as %Y.";
        }

        var directives = new List<(int, int)>();
        for (var at = 0; at + 1 < format.Length && problem.Length == 0; at++)
        {
            if (format[at] != '%' || format[at + 1] == '\n')
            {
                continue;
            }

            var (_, length) = ByteText.RuneAt(format, at + 1);
            var directive = format.Substring(at, 1 + length);
            if (!Written.ContainsKey(directive))
            {
                problem = $"The directive {ByteText.ToDisplay(directive)} is unknown (known are {string.Join(' ', Written.Keys)}).";
            }

            if (directive is "%L" or "%f" or "%s" && at > 0 && format[at - 1] is not ('.' or ','))
            {
                problem = $"The fraction of a second {directive} stands behind a point or a comma.";
            }

            directives.Add((at, at + 1 + length));
            at += length;
        }

        if (directives.Count > DirectivesMax)
        {
            problem = $"The format of a time has {directives.Count} directives; at most {DirectivesMax} are read.";
        }

        return problem.Length == 0 ? new TimeFormat(format, directives) : null;
    }

    public string Format(Instant time)
    {
        var layout = new StringBuilder();
        var at = 0;
        foreach (var (start, end) in _directives)
        {
            layout.Append(_format, at, start - at).Append(Written[_format[start..end]]);
            at = end;
        }

        return LayoutWriter.Format(time, layout.Append(_format, at, _format.Length - at).ToString());
    }

    /// <summary>A <see cref="TimeValue"/> or a <see cref="Failure"/>.</summary>
    /// <param name="zone">Where a time is that says nothing about it.</param>
    /// <param name="locale">The language of the names; null for English.</param>
    /// <param name="now">Gives a time without a year its year.</param>
    public Value Parse(string text, Zone zone, LocaleNames? locale, TimeProvider now)
    {
        var attempt = Try("", 0, layout => ParseLayout(layout, text, zone, locale));
        if (attempt.Time is not { } time)
        {
            return new Failure($"'{ByteText.ToDisplay(text)}' is no time of the form {ByteText.ToDisplay(_format)}: {attempt.Mismatch.Message}");
        }

        return new TimeValue(WithYear(time, now));
    }

    private static Attempt ParseLayout(string layout, string text, Zone zone, LocaleNames? locale)
    {
        var english = text;
        if (locale is not null && !locale.TryTranslate(layout, text, out english, out var element))
        {
            return new Attempt(null, new LayoutMismatch(element, "unknown", $"'{element}' has no such name in this language"), CanRetry: true);
        }

        if (!LayoutReader.TryParse(layout, english, zone, out var time, out var mismatch))
        {
            return new Attempt(null, mismatch, CanRetry: true);
        }

        // An abbreviation that the zone does not know came out as an offset of zero: it may name a zone itself.
        var (name, offset) = time.Zone.At(time.UnixSeconds);
        if (offset != 0 || name == "UTC" || name == zone.At(time.UnixSeconds).Name)
        {
            return new Attempt(time, default, CanRetry: false);
        }

        if (ZoneFile.Find(name) is not { } named)
        {
            return new Attempt(null, new LayoutMismatch("", "", $"the time zone {name} is unknown"), CanRetry: false);
        }

        return LayoutReader.TryParse(layout, english, named, out var again, out _) ? new Attempt(again, default, CanRetry: false) : new Attempt(time, default, CanRetry: false);
    }

    private static Instant WithYear(Instant time, TimeProvider clock)
    {
        var calendar = time.Calendar;
        if (calendar.Year > 0)
        {
            return time;
        }

        var now = Instant.FromUnix(clock.GetUtcNow().ToUnixTimeSeconds(), 0, Zone.Utc);
        var thisYear = Instant.FromCalendar(calendar with { Year = now.Calendar.Year }, time.Zone);
        const long week = 7 * 86_400 * Instant.NanosecondsPerSecond;
        return thisYear.CompareTo(now.Plus(week)) > 0 ? Instant.FromCalendar(calendar with { Year = now.Calendar.Year - 1 }, time.Zone) : thisYear;
    }

    /// <summary>Fills in the directives from the given one on. A form of it that the text does not fit gives way to the next.</summary>
    private Attempt Try(string layout, int directive, Func<string, Attempt> parse)
    {
        var from = directive == 0 ? 0 : _directives[directive - 1].End;
        if (directive == _directives.Count)
        {
            return parse(layout + _format[from..]);
        }

        var (start, end) = _directives[directive];
        var name = _format[start..end];
        layout += _format[from..start];
        if (!Read.TryGetValue(name, out var forms))
        {
            // The reference crashes where the whole text is wrong and not one of its elements; that cannot be tried again.
            return TryForm(layout, [Written[name]], directive, parse, out _);
        }

        var attempt = default(Attempt);
        foreach (var form in forms)
        {
            attempt = TryForm(layout, form, directive, parse, out var isOurs);
            if (!isOurs)
            {
                break;
            }
        }

        return attempt;
    }

    /// <summary>Blanks before a number or an offset are let pass.</summary>
    /// <param name="isOurs">The attempt failed at an element of this form.</param>
    private Attempt TryForm(string layout, string[] form, int directive, Func<string, Attempt> parse, out bool isOurs)
    {
        while (true)
        {
            var attempt = Try(layout + string.Concat(form), directive + 1, parse);
            var at = attempt.CanRetry && attempt.Mismatch.Element.Length > 0 ? Array.IndexOf(form, attempt.Mismatch.Element) : -1;
            isOurs = at >= 0;
            if (!isOurs)
            {
                return attempt;
            }

            var rest = attempt.Mismatch.Rest;
            var blanks = rest.Length - rest.AsSpan().TrimStart(" \t\n\r\f\v").Length;
            if (blanks == 0 || form[at][0] is not ((>= '0' and <= '9') or 'Z'))
            {
                // From here on it is the directive that failed, and no element of another with the same form.
                var (start, end) = _directives[directive];
                return attempt with { Mismatch = attempt.Mismatch with { Element = _format[start..end] } };
            }

            form = [.. form[..at], rest[..blanks], .. form[at..]];
        }
    }

    private readonly record struct Attempt(Instant? Time, LayoutMismatch Mismatch, bool CanRetry);
}
