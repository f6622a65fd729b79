using System.Diagnostics;
using OtlpTap.Spans;
using OtlpTap.Client;
using OtlpTap.Health;

namespace OtlpTap.Tests.Client;

using Advice = OtlpTap.Client.Advice;

// Whoever listens elsewhere would be heard here.
[Collection(nameof(Fallback))]
public sealed class FallbackTests
{
    private static readonly Advice Reroute = new() { Id = "tool-failing:shop", Policy = "tool-failing", Action = "reroute", Parameters = new Dictionary<string, string>(), Reason = "", Values = new Dictionary<string, double>() };

    [Fact]
    public void A_fallback_is_a_span_with_the_attributes_that_the_tap_reads()
    {
        var ended = new List<Activity>();
        using var listener = Listen(ended);
        using var run = new Activity("run").SetIdFormat(ActivityIdFormat.W3C).Start();

        using (var fallback = Fallback.Begin("reroute", "search fails", Reroute))
        {
            Assert.Same(fallback.Activity, Activity.Current);
            using var inner = new Activity("backup").Start();
            Assert.Equal(fallback.Activity!.SpanId, inner.ParentSpanId);
        }

        Assert.Same(run, Activity.Current);
        var span = Assert.Single(ended, activity => activity.TraceId == run.TraceId);
        Assert.Equal(("otlptap.fallback", run.SpanId), (span.OperationName, span.ParentSpanId));
        Assert.Equal(
            [(FallbackAttributes.Fallback, "reroute"), (FallbackAttributes.Reason, "search fails"), (FallbackAttributes.AdviceId, "tool-failing:shop")],
            span.TagObjects.Select(tag => (tag.Key, (string)tag.Value!)));
    }

    [Fact]
    public void An_agent_that_decides_for_itself_names_no_advice()
    {
        using var listener = Listen([]);

        using var fallback = Fallback.Begin("answer_from_cache", "budget used up");

        Assert.DoesNotContain(fallback.Activity!.TagObjects, tag => tag.Key == FallbackAttributes.AdviceId);
    }

    [Fact]
    public void Where_nobody_listens_nothing_happens()
    {
        using var fallback = Fallback.Begin("reroute", "search fails", Reroute);

        Assert.Null(fallback.Activity);
    }

    private static ActivityListener Listen(List<Activity> ended)
    {
        var thread = Environment.CurrentManagedThreadId;
        var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == Fallback.SourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => Environment.CurrentManagedThreadId == thread ? ActivitySamplingResult.AllDataAndRecorded : ActivitySamplingResult.None,
            ActivityStopped = ended.Add,
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }
}
