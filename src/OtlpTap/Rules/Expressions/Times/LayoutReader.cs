namespace OtlpTap.Rules.Expressions.Times;

/// <summary>Which part of a layout the text did not fit, so that another form of that part may be tried.</summary>
/// <param name="Element">The layout's part; empty when the text as a whole is wrong (too long, or a day that does not exist).</param>
/// <param name="Rest">The text from there on.</param>
internal readonly record struct LayoutMismatch(string Element, string Rest, string Message);

/// <summary>
/// Reads a time that is written as a layout shows.
/// Source: https://pkg.go.dev/time#ParseInLocation; its leniencies are kept (a fraction behind the seconds needs no
/// element, a weekday is not checked).
/// </summary>
internal ref struct LayoutReader
{
    private ReadOnlySpan<char> _rest;
    private bool _isWrong;
    private string? _range;
    private LayoutTime _time = new();

    private LayoutReader(ReadOnlySpan<char> text) => _rest = text;

    /// <summary>False with the <paramref name="mismatch"/>. The zone is where a time without one is.</summary>
    public static bool TryParse(string layout, string text, Zone zone, out Instant time, out LayoutMismatch mismatch)
    {
        var reader = new LayoutReader(text);
        time = default;
        var at = 0;
        while (true)
        {
            var element = LayoutElement.After(layout, at);
            if (!reader.Skip(element.Prefix))
            {
                mismatch = new LayoutMismatch(element.Prefix, reader._rest.ToString(), $"'{element.Prefix}' is expected");
                return false;
            }

            if (element.Kind == LayoutKind.End)
            {
                break;
            }

            at = element.Next;
            var hold = reader._rest;
            reader.Read(element, layout);
            if (reader._range is { } range)
            {
                mismatch = new LayoutMismatch(element.Text, reader._rest.ToString(), $"the {range} is out of range");
                return false;
            }

            if (reader._isWrong)
            {
                mismatch = new LayoutMismatch(element.Text, hold.ToString(), $"'{hold}' does not fit '{element.Text}'");
                return false;
            }
        }

        if (reader._rest.Length > 0)
        {
            mismatch = new LayoutMismatch("", reader._rest.ToString(), $"'{reader._rest}' is left over");
            return false;
        }

        mismatch = default;
        if (reader._time.TryResolve(zone, out time))
        {
            return true;
        }

        mismatch = new LayoutMismatch("", "", "the day is out of range");
        return false;
    }

    /// <summary>A blank stands for any number of blanks.</summary>
    private bool Skip(ReadOnlySpan<char> prefix)
    {
        while (prefix.Length > 0)
        {
            if (prefix[0] == ' ')
            {
                if (_rest.Length > 0 && _rest[0] != ' ')
                {
                    return false;
                }

                prefix = prefix.TrimStart(' ');
                _rest = _rest.TrimStart(' ');
                continue;
            }

            if (_rest.Length == 0 || _rest[0] != prefix[0])
            {
                return false;
            }

            prefix = prefix[1..];
            _rest = _rest[1..];
        }

        return true;
    }

    private void Read(LayoutElement element, string layout)
    {
        switch (element.Kind)
        {
            case LayoutKind.Year:
                _time.Year = Digits(2);
                _time.Year += _time.Year >= 69 ? 1900 : 2000;
                break;
            case LayoutKind.LongYear:
                _time.Year = Digits(4);
                break;
            case LayoutKind.Month:
                _time.Month = Name(EnglishNames.Months, 3) + 1;
                break;
            case LayoutKind.LongMonth:
                _time.Month = Name(EnglishNames.Months, int.MaxValue) + 1;
                break;
            case LayoutKind.NumericMonth or LayoutKind.ZeroMonth:
                _time.Month = Number(element.Kind == LayoutKind.ZeroMonth);
                Range("month", !_isWrong && _time.Month is <= 0 or > 12);
                break;
            case LayoutKind.Weekday:
                Name(EnglishNames.Weekdays, 3);
                break;
            case LayoutKind.LongWeekday:
                Name(EnglishNames.Weekdays, int.MaxValue);
                break;
            case LayoutKind.Day or LayoutKind.UnderDay or LayoutKind.ZeroDay:
                SkipBlanks(element.Kind == LayoutKind.UnderDay ? 1 : 0);
                _time.Day = Number(element.Kind == LayoutKind.ZeroDay);
                break;
            case LayoutKind.UnderYearDay or LayoutKind.ZeroYearDay:
                SkipBlanks(element.Kind == LayoutKind.UnderYearDay ? 2 : 0);
                _time.DayOfYear = ThreeDigits(element.Kind == LayoutKind.ZeroYearDay);
                break;
            case LayoutKind.Hour:
                _time.Hour = Number(isFixed: false);
                Range("hour", _time.Hour >= 24);
                break;
            case LayoutKind.Hour12 or LayoutKind.ZeroHour12:
                _time.Hour = Number(element.Kind == LayoutKind.ZeroHour12);
                Range("hour", _time.Hour > 12);
                break;
            case LayoutKind.Minute or LayoutKind.ZeroMinute:
                _time.Minute = Number(element.Kind == LayoutKind.ZeroMinute);
                Range("minute", _time.Minute >= 60);
                break;
            case LayoutKind.Second or LayoutKind.ZeroSecond:
                _time.Second = Number(element.Kind == LayoutKind.ZeroSecond);
                Range("second", _time.Second >= 60);
                if (!_isWrong && _range is null && LayoutElement.After(layout, element.Next).Kind is not (LayoutKind.ExactFraction or LayoutKind.Fraction))
                {
                    OptionalFraction();
                }

                break;
            case LayoutKind.UpperPeriod:
                Period("AM", "PM");
                break;
            case LayoutKind.LowerPeriod:
                Period("am", "pm");
                break;
            case LayoutKind.ZoneName:
                ZoneName();
                break;
            case LayoutKind.Offset:
                Offset(element.Text);
                break;
            case LayoutKind.ExactFraction:
                Nanoseconds(element.Text.Length);
                break;
            case LayoutKind.Fraction:
                OptionalFraction();
                break;
        }
    }

    private void Range(string name, bool isOut) => _range = isOut ? name : null;

    private static bool IsDigit(ReadOnlySpan<char> text, int at) => at < text.Length && char.IsAsciiDigit(text[at]);

    private void SkipBlanks(int max)
    {
        for (var i = 0; i < max && _rest.StartsWith(" "); i++)
        {
            _rest = _rest[1..];
        }
    }

    /// <summary>Exactly so many digits; the year of two may have a sign, as the reference reads it.</summary>
    private int Digits(int count)
    {
        if (_rest.Length < count || (count == 4 && !IsDigit(_rest, 0)))
        {
            _isWrong = true;
            return 0;
        }

        var text = _rest[..count];
        _rest = _rest[count..];
        var digits = text[0] is '-' or '+' ? text[1..] : text;
        if (digits.IsEmpty || digits.ContainsAnyExceptInRange('0', '9'))
        {
            _isWrong = true;
            return 0;
        }

        var value = int.Parse(digits, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture);
        return text[0] == '-' ? -value : value;
    }

    private int Number(bool isFixed)
    {
        if (!IsDigit(_rest, 0) || (isFixed && !IsDigit(_rest, 1)))
        {
            _isWrong = true;
            return 0;
        }

        var length = IsDigit(_rest, 1) ? 2 : 1;
        var value = length == 1 ? _rest[0] - '0' : ((_rest[0] - '0') * 10) + (_rest[1] - '0');
        _rest = _rest[length..];
        return value;
    }

    private int ThreeDigits(bool isFixed)
    {
        var value = 0;
        var length = 0;
        while (length < 3 && IsDigit(_rest, length))
        {
            value = (value * 10) + (_rest[length++] - '0');
        }

        _isWrong = length == 0 || (isFixed && length != 3);
        _rest = _rest[length..];
        return value;
    }

    private int Name(string[] names, int length)
    {
        for (var i = 0; i < names.Length; i++)
        {
            var name = names[i].AsSpan(0, Math.Min(length, names[i].Length));
            if (_rest.StartsWith(name, StringComparison.OrdinalIgnoreCase))
            {
                _rest = _rest[name.Length..];
                return i;
            }
        }

        _isWrong = true;
        return -1;
    }

    private void Period(string morning, string afternoon)
    {
        _time.IsAfternoon |= _rest.StartsWith(afternoon);
        _time.IsMorning |= _rest.StartsWith(morning);
        if (!_rest.StartsWith(afternoon) && !_rest.StartsWith(morning))
        {
            _isWrong = true;
            return;
        }

        _rest = _rest[2..];
    }

    private void OptionalFraction()
    {
        if (_rest.Length < 2 || _rest[0] is not ('.' or ',') || !IsDigit(_rest, 1))
        {
            return;
        }

        var length = 2;
        while (IsDigit(_rest, length))
        {
            length++;
        }

        Nanoseconds(length);
    }

    /// <summary>A point and digits; those beyond the ninth do not count.</summary>
    private void Nanoseconds(int length)
    {
        if (_rest.Length < length || _rest[0] is not ('.' or ',') || _rest[1..length].ContainsAnyExceptInRange('0', '9'))
        {
            _isWrong = true;
            return;
        }

        var digits = _rest[1..Math.Min(length, 10)];
        var value = 0;
        for (var i = 0; i < 9; i++)
        {
            value = (value * 10) + (i < digits.Length ? digits[i] - '0' : 0);
        }

        _time.Nanosecond = value;
        _rest = _rest[length..];
    }

    private void Offset(string form)
    {
        if (form[0] == 'Z' && _rest.StartsWith("Z"))
        {
            _rest = _rest[1..];
            _time.IsUtc = true;
            return;
        }

        if (_rest.Length < form.Length)
        {
            _isWrong = true;
            return;
        }

        var text = _rest[..form.Length];
        var hasColon = form.Contains(':');
        if ((hasColon && text[3] != ':') || (hasColon && form.Length > 6 && text[6] != ':'))
        {
            _isWrong = true;
            return;
        }

        _rest = _rest[form.Length..];
        var width = hasColon ? 3 : 2;
        var hours = TwoDigits(text, 1);
        var minutes = form.Length > 3 ? TwoDigits(text, 1 + width) : 0;
        var seconds = form.Length > 6 ? TwoDigits(text, 1 + (2 * width)) : 0;
        _range = hours > 24 ? "offset's hour" : minutes > 60 ? "offset's minute" : seconds > 60 ? "offset's second" : null;
        _time.OffsetSeconds = ((hours * 60) + minutes) * 60 + seconds;
        switch (text[0])
        {
            case '+':
                break;
            case '-':
                _time.OffsetSeconds = -_time.OffsetSeconds;
                break;
            default:
                _isWrong = true;
                break;
        }
    }

    private int TwoDigits(ReadOnlySpan<char> text, int at)
    {
        if (!IsDigit(text, at) || !IsDigit(text, at + 1))
        {
            _isWrong = true;
            return 0;
        }

        return ((text[at] - '0') * 10) + (text[at + 1] - '0');
    }

    private void ZoneName()
    {
        if (_rest.StartsWith("UTC"))
        {
            _time.IsUtc = true;
            _rest = _rest[3..];
            return;
        }

        var length = ZoneNameText.LengthIn(_rest);
        _isWrong = length == 0;
        _time.ZoneName = _rest[..length].ToString();
        _rest = _rest[length..];
    }
}
