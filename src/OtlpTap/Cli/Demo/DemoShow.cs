using Grpc.Core;
using OtlpTap.Advice;

namespace OtlpTap.Cli.Demo;

/// <summary>Plays the story, run by run, and tells what agent, users, tap and upstream do.</summary>
internal sealed class DemoShow(DemoAgent agent, IAdviceSource advice, DemoUpstream upstream, TextWriter output, TimeProvider time)
{
    // The tap looks at its policies twice a second, and withdraws advice two seconds after the matter is over.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(1);

    private readonly HashSet<string> _traces = new(StringComparer.Ordinal);
    private AdviceSnapshot _told = AdviceSnapshot.None;

    public int Runs { get; private set; }

    /// <summary>Of all runs.</summary>
    public IReadOnlySet<string> Traces => _traces;

    /// <exception cref="RpcException">The tap did not take what was sent.</exception>
    /// <exception cref="HttpRequestException">The same over HTTP.</exception>
    public async Task PlayAsync(int runs, CancellationToken cancellation)
    {
        while (Runs < runs)
        {
            await PlayNextAsync(cancellation);
        }
    }

    /// <summary>Goes on, a run a second.</summary>
    /// <inheritdoc cref="PlayAsync"/>
    /// <exception cref="OperationCanceledException">It is told to stop.</exception>
    public async Task GoOnAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await Task.Delay(Pace, time, cancellation);
            await PlayNextAsync(cancellation);
        }
    }

    /// <summary>Spans that have come with tags, which the tap adds and tells of later, too.</summary>
    public void TellTagged()
    {
        foreach (var span in upstream.TakeTagged())
        {
            output.WriteLine($"upstream          got span \"{span.Name}\" with otlptap.failure={span.Failure} otlptap.rules=[{string.Join(", ", span.Rules)}]");
        }
    }

    private async Task PlayNextAsync(CancellationToken cancellation)
    {
        var run = DemoRun.Story[Runs % DemoRun.Story.Count];
        var isOverHttp = Runs % 2 == 1;
        var (trace, outcome) = await agent.RunAsync(run, isOverHttp, cancellation);
        Runs++;
        _traces.Add(trace);
        if (run.IsTrial && advice.Current.Items.Any(item => item.Scope.Tool == run.Tool))
        {
            outcome += "; the advice is still given";
        }

        output.WriteLine($"agent     run {Runs,2}: {run.Question,-46} {outcome}");
        TellTagged();
        switch (run.Then)
        {
            case DemoEvent.UserIsUnhappy:
                await SayAsync(trace, "down", "I wanted to exchange it, not to return it", cancellation);
                break;
            case DemoEvent.UserIsHappy:
                await SayAsync(trace, "up", "that was quick", cancellation);
                break;
            case DemoEvent.AdviceChanges:
                await WaitForAdviceAsync(cancellation);
                break;
        }

        TellAdvice();
    }

    private async Task SayAsync(string trace, string thumbs, string comment, CancellationToken cancellation)
    {
        await agent.SendFeedbackAsync(trace, thumbs, comment, cancellation);
        output.WriteLine($"user              thumbs {thumbs}: \"{comment}\"");
    }

    private async Task WaitForAdviceAsync(CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(Patience);
        try
        {
            await advice.NextAsync(_told.Version, patience.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // A slow machine: the story goes on without.
        }
    }

    private void TellAdvice()
    {
        var now = advice.Current;
        foreach (var item in now.Items.ExceptBy(_told.Items.Select(item => item.Id), item => item.Id))
        {
            output.WriteLine($"tap               advises {item.Advice}{string.Concat(item.Parameters.Select(parameter => $" {parameter.Key}={parameter.Value}"))}: {item.Reason}");
        }

        foreach (var item in _told.Items.ExceptBy(now.Items.Select(item => item.Id), item => item.Id))
        {
            output.WriteLine($"tap               withdraws its advice {item.Id}");
        }

        _told = now;
    }
}
