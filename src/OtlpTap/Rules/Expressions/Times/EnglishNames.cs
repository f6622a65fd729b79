namespace OtlpTap.Rules.Expressions.Times;

/// <summary>The names that layouts write and read; an abbreviation is the first three letters.</summary>
internal static class EnglishNames
{
    public static readonly string[] Months =
        ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

    /// <summary>From Sunday.</summary>
    public static readonly string[] Weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
}
