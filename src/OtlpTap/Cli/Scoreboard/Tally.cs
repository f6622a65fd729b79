namespace OtlpTap.Cli.Scoreboard;

/// <summary>Right and wrong answers; a share of nothing is 1.</summary>
internal record struct Tally(int Found, int Missed, int Wrong)
{
    public readonly int Expected => Found + Missed;

    /// <summary>Of what was said, the share that is true; 0 to 1.</summary>
    public readonly double Precision => Share(Found, Found + Wrong);

    /// <summary>Of what is true, the share that was said; 0 to 1.</summary>
    public readonly double Recall => Share(Found, Expected);

    /// <summary>Their harmonic mean.</summary>
    public readonly double F1 => Precision + Recall == 0 ? 0 : 2 * Precision * Recall / (Precision + Recall);

    public static Tally operator +(Tally left, Tally right) => new(left.Found + right.Found, left.Missed + right.Missed, left.Wrong + right.Wrong);

    private static double Share(int part, int all) => all == 0 ? 1 : (double)part / all;
}
