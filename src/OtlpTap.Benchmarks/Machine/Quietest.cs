namespace OtlpTap.Benchmarks.Machine;

/// <summary>Of several runs the one that strangers on the machine disturbed least.</summary>
internal static class Quietest
{
    // A tenth of a core taken by strangers moves the figures by more than the differences looked for.
    private const double ForeignCoresMax = 0.12;

    /// <param name="measure">One run.</param>
    /// <param name="foreignCores">What a run says of strangers.</param>
    /// <param name="repeatsMax">How often a disturbed run is repeated.</param>
    public static async Task<T> OfAsync<T>(Func<Task<T>> measure, Func<T, double> foreignCores, int repeatsMax)
    {
        var best = await measure();
        for (var repeat = 0; repeat < repeatsMax && foreignCores(best) > ForeignCoresMax; repeat++)
        {
            var again = await measure();
            best = foreignCores(again) < foreignCores(best) ? again : best;
        }

        return best;
    }
}
