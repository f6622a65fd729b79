using System.Diagnostics;

namespace OtlpTap.Client;

/// <summary>
/// A fallback as a span: what the agent does in place of what it would have done, by advice or by its own decision. What happens
/// within it belongs to it. By these spans the tap counts fallbacks and learns whether they helped.
/// <code>
///   using var fallback = Fallback.Begin("reroute", "search fails", advice);
///   return await backup.SearchAsync(query);
/// </code>
/// The spans come from the <see cref="ActivitySource"/> named <see cref="SourceName"/>, which the application's tracing must
/// listen to: <c>tracing.AddSource(Fallback.SourceName)</c>. Where nobody listens, nothing happens.
/// </summary>
public sealed class Fallback : IDisposable
{
    /// <summary>The name of the source to listen to.</summary>
    public const string SourceName = "OtlpTap.Client";

    private const string SpanName = "otlptap.fallback";
    private const string ActionAttribute = "otlptap.fallback";
    private const string ReasonAttribute = "otlptap.fallback.reason";
    private const string AdviceAttribute = "otlptap.advice.id";

    private static readonly ActivitySource Source = new(SourceName, typeof(Fallback).Assembly.GetName().Version?.ToString(3));

    private Fallback(Activity? activity) => Activity = activity;

    /// <summary>The span; null where nobody listens.</summary>
    public Activity? Activity { get; }

    /// <summary>Starts the span, below <see cref="Activity.Current"/>.</summary>
    /// <param name="action">What is done: a word of advice as <c>reroute</c>, or the agent's own.</param>
    /// <param name="reason">Why, in few words.</param>
    /// <param name="advice">The advice that is followed; null where the agent decides for itself.</param>
    public static Fallback Begin(string action, string reason, Advice? advice = null)
    {
        var activity = Source.StartActivity(SpanName);
        activity?.SetTag(ActionAttribute, action);
        activity?.SetTag(ReasonAttribute, reason);
        if (advice is not null)
        {
            activity?.SetTag(AdviceAttribute, advice.Id);
        }

        return new Fallback(activity);
    }

    /// <summary>Ends the span.</summary>
    public void Dispose() => Activity?.Dispose();
}
