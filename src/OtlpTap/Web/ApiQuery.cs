namespace OtlpTap.Web;

/// <summary>What all endpoints below <c>/api/v1</c> demand of the parameters in a query.</summary>
internal static class ApiQuery
{
    /// <summary>The reason why they cannot be answered: each must be known, and there once. Null where they are.</summary>
    /// <param name="several">The one that may be there more than once.</param>
    public static string? Problem(IQueryCollection parameters, ReadOnlySpan<string> known, string? several = null)
    {
        foreach (var (name, values) in parameters)
        {
            if (!known.Contains(name))
            {
                return $"`{name}` is not known: there are {ApiExchange.Listed(known)}";
            }

            if (values.Count != 1 && name != several)
            {
                return $"`{name}` is given {values.Count} times";
            }
        }

        return null;
    }
}
