namespace OtlpTap.Detectors.Grounding;

/// <summary>Weighs the numbers that an answer states: whether the evidence has them, in whatever unit, or they come of it by a calculation.</summary>
internal sealed class NumberJudgement(AnswerText answer, Evidence evidence)
{
    private readonly List<double> _computed = [];

    /// <summary>0: it is supported.</summary>
    public double Weigh(in Claim claim)
    {
        var element = claim.Element;
        if (evidence.Overflowed || Supported(element.Value, element, claim) || (element.Other != element.Value && Supported(element.Other, element, claim)))
        {
            return 0;
        }

        var derived = Derived(element.Value, Math.Max(element.HalfPlace, element.Value * (claim.Sentence.Approximates ? 0.02 : 0.002)), claim);
        if (derived)
        {
            _computed.Add(element.Value);
        }

        var small = element.Value <= 12 && element.HalfPlace is 0 or > 0.4;
        var united = element.Unit.Dimension != Dimension.None;
        var conflict = (united && evidence.Dimensions.Contains(element.Unit.Dimension)) || claim.Words.Any(word => evidence.Nouns.Contains(Letters.Stem(word)));
        var weight = united ? 0.6 : small ? 0.15 : element.Value < 100 && element.HalfPlace > 0.4 ? 0.58 : 0.6;
        weight = small && element.Worded && !united ? 0.12 : weight;
        weight = conflict ? Math.Max(weight + 0.05, small && !united ? 0.3 : 0.66) : weight;
        weight *= claim.Sentence.IsAdvice && (element.Unit.Dimension is Dimension.Duration or Dimension.None) && element.Value <= (united ? 60 : 999) ? 0.3 : 1;
        return derived ? weight * (claim.Sentence.Computes || small ? 0 : 0.35) : weight;
    }

    private bool Supported(double value, in Element element, in Claim claim)
    {
        var unit = element.Unit;
        var tolerance = Math.Max(element.HalfPlace, value * 1e-9) * 1.0001;
        if (claim.Sentence.Approximates && element.HalfPlace >= 0.5)
        {
            var zeros = 1.0;
            while (zeros < value && value % (zeros * 10) == 0)
            {
                zeros *= 10;
            }

            tolerance = Math.Max(tolerance, Math.Min(zeros * 0.5, value * 0.05));
        }

        if (value <= 20 && element.HalfPlace >= 0.5 && unit.Dimension == Dimension.None)
        {
            tolerance = 0.5;
        }

        if (evidence.HasNumber(value, tolerance, unit.Dimension, other => other.Dimension != unit.Dimension || other.Dimension == Dimension.None || other.Factor == unit.Factor || other.Dimension == Dimension.Money || other.Dimension == Dimension.Temperature && other.Offset == unit.Offset))
        {
            return true;
        }

        // 29.90 where the inputs have 2990 cents.
        if (unit.Dimension is Dimension.None or Dimension.Money && element.HalfPlace is > 0.004 and < 0.006 && evidence.HasNumber(value * 100, 0.01, Dimension.None, other => other.Dimension is Dimension.None or Dimension.Money))
        {
            return true;
        }

        if (unit.Dimension == Dimension.Share && evidence.HasNumber(value / 100, Math.Max(0.005, tolerance / 100), Dimension.None, _ => true))
        {
            return true;
        }

        if (unit.Dimension is Dimension.None or Dimension.Money or Dimension.Share)
        {
            return false;
        }

        foreach (var other in Units.OfSame(unit.Dimension))
        {
            if (other == unit)
            {
                continue;
            }

            var converted = other.FromFirst(unit.ToFirst(value));
            var wide = unit.Dimension == Dimension.Temperature
                ? Math.Max(0.3, element.HalfPlace) * unit.Factor / other.Factor
                : Math.Abs(converted) * Math.Max(0.016, Math.Min(0.03, element.HalfPlace / Math.Max(value, 0.01)));
            if (evidence.HasNumber(Math.Abs(converted), wide, unit.Dimension, had => had.Dimension == Dimension.None ? unit.Dimension == Dimension.Temperature || unit.Dimension == Dimension.Data : had == other))
            {
                return true;
            }
        }

        return unit.Dimension == Dimension.Duration && Between((int)Math.Round(unit.ToFirst(value) / 60));
    }

    /// <summary>The time from one moment of the inputs to another.</summary>
    private bool Between(int minutes) => minutes is > 0 and < 1440 && evidence.Minutes.Count <= 128 && evidence.Minutes.Any(start => evidence.Minutes.Contains((start + minutes) % 1440));

    private bool Derived(double value, double tolerance, Claim claim)
    {
        bool Near(double other) => Math.Abs(other - value) <= tolerance;
        foreach (var column in evidence.Columns.Values)
        {
            if (claim.Sentence.Computes && column.Count > 1 && (Near(column.Sum()) || Near(column.Sum() / column.Count)))
            {
                return true;
            }
        }

        List<double> numbers = [.. evidence.Principals, .. _computed.Take(16)];
        for (var i = 0; i < numbers.Count; i++)
        {
            for (var k = 0; k < numbers.Count; k++)
            {
                var (one, other) = (numbers[i], numbers[k]);
                if (i != k && (Near(one - other) || (k > i && (Near(one + other) || Near(one * other)))
                    || (other > 0 && (Near(one / other) || Near(100 * one / other) || Near(100 * Math.Abs(one - other) / other)))))
                {
                    return true;
                }
            }
        }

        return numbers.Any(number => Near(number * 12) || Near(number * 2) || (claim.Sentence.Computes && Near(number / 2))) || (claim.Sentence.Computes && Totalled(numbers, Near));
    }

    /// <summary>Two of one and three of another: the total of few things, each times a count that the answer names.</summary>
    private bool Totalled(List<double> numbers, Func<double, bool> near)
    {
        var counts = answer.Claims.Where(claim => claim.Kind == ClaimKind.Number && claim.Element.Value is > 1 and <= 12 && claim.Element.HalfPlace > 0.4).Select(claim => claim.Element.Value).Distinct().Take(4).ToList();
        var prices = numbers.Take(12).ToList();
        List<double> positions = [.. prices, .. prices.SelectMany(price => counts.Select(count => price * count))];
        for (var i = 0; i < positions.Count; i++)
        {
            for (var k = i; k < positions.Count; k++)
            {
                if (near(positions[i] + positions[k]))
                {
                    return true;
                }
            }
        }

        return positions.Exists(position => near(position));
    }
}
