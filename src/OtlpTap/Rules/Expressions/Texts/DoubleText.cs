using System.Globalization;

namespace OtlpTap.Rules.Expressions.Texts;

/// <summary>A double in one of the forms <c>e</c>, <c>f</c> and <c>g</c>. Source: https://pkg.go.dev/strconv#FormatFloat.</summary>
internal static class DoubleText
{
    /// <param name="form">e, E, f, g or G.</param>
    /// <param name="precision">Digits behind the point (of g: digits at all); -1 for as few as read back as the same number.</param>
    public static string Format(double value, char form, int precision)
    {
        if (double.IsNaN(value))
        {
            return "NaN";
        }

        var sign = double.IsNegative(value) ? "-" : "";
        if (double.IsInfinity(value))
        {
            return sign.Length > 0 ? "-Inf" : "+Inf";
        }

        var magnitude = Math.Abs(value);
        return sign + (form switch
        {
            'f' or 'F' => Plain(magnitude, precision),
            'e' or 'E' => Scientific(Digits(magnitude, precision < 0 ? -1 : precision + 1), form, precision),
            _ => General(magnitude, form, precision),
        });
    }

    /// <summary>As JSON writers of the reference do it: from 1e21 on and below 1e-6 with an exponent. Null for what JSON cannot say.</summary>
    /// <param name="shortExponent">1e-7 instead of 1e-07: two writers are in use, and they differ here.</param>
    public static string? Json(double value, bool shortExponent)
    {
        if (!double.IsFinite(value))
        {
            return null;
        }

        var magnitude = Math.Abs(value);
        if (magnitude == 0 || magnitude is >= 1e-6 and < 1e21)
        {
            return Format(value, 'f', -1);
        }

        var text = Format(value, 'e', -1);
        return shortExponent && text is [.., 'e', '-', '0', var digit] ? text[..^2] + digit : text;
    }

    private static (string Digits, int Exponent) Digits(double magnitude, int count) =>
        count < 0 ? NumberText.Shortest(magnitude) : NumberText.Rounded(magnitude, count, fromFirst: true);

    private static string Plain(double magnitude, int precision)
    {
        var (digits, exponent) = precision < 0 ? NumberText.Shortest(magnitude) : NumberText.Rounded(magnitude, precision, fromFirst: false);
        return magnitude == 0 && precision < 0 ? "0" : Plain(digits, exponent, precision);
    }

    private static string Plain(string digits, int exponent, int precision)
    {
        var whole = exponent <= 0 ? "0" : digits.Length >= exponent ? digits[..exponent] : digits.PadRight(exponent, '0');
        var fraction = exponent <= 0 ? new string('0', -exponent) + digits : digits.Length > exponent ? digits[exponent..] : "";
        if (precision >= 0)
        {
            fraction = fraction.Length > precision ? fraction[..precision] : fraction.PadRight(precision, '0');
        }

        whole = whole.TrimStart('0');
        return (whole.Length == 0 ? "0" : whole) + (fraction.Length > 0 ? "." + fraction : "");
    }

    private static string Scientific((string Digits, int Exponent) number, char form, int precision)
    {
        var (digits, exponent) = number;
        var isZero = digits.All(digit => digit == '0');
        var fraction = precision < 0 ? digits[1..] : digits[1..].PadRight(precision, '0')[..precision];
        var power = isZero ? 0 : exponent - 1;
        return $"{digits[0]}{(fraction.Length > 0 ? "." + fraction : "")}{form}{(power < 0 ? '-' : '+')}{Math.Abs(power).ToString("D2", CultureInfo.InvariantCulture)}";
    }

    private static string General(double magnitude, char form, int precision)
    {
        var isShortest = precision < 0;
        var count = isShortest ? -1 : Math.Max(1, precision);
        var (digits, exponent) = Digits(magnitude, count);
        (digits, exponent) = magnitude == 0 ? ("", 0) : (digits.TrimEnd('0'), exponent);

        // With fewer digits than asked for, those that are there decide; without a precision it is six.
        var limit = isShortest ? 6 : count > digits.Length && digits.Length >= exponent ? digits.Length : count;
        if (exponent - 1 < -4 || exponent - 1 >= limit)
        {
            return Scientific((digits.Length == 0 ? "0" : digits, exponent), form == 'G' ? 'E' : 'e', -1);
        }

        return digits.Length == 0 ? "0" : Plain(digits, exponent, -1);
    }
}
