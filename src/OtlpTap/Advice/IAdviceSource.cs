namespace OtlpTap.Advice;

/// <summary>Where advice is read. Any thread.</summary>
internal interface IAdviceSource
{
    AdviceSnapshot Current { get; }

    /// <summary>The share of traces, 0 to 1, that are to go without advice, so that its effect can be measured.</summary>
    double Holdout { get; }

    /// <summary>Ends with the first snapshot whose version is another than <paramref name="version"/>.</summary>
    Task<AdviceSnapshot> NextAsync(long version, CancellationToken cancellation);
}
