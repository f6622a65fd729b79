using System.Text;
using OtlpTap.Buffers;
using OtlpTap.Forward;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Forward.Spool;

/// <summary>What an exporter was given.</summary>
internal sealed record Exported(Signal Signal, string Text, int Items, RequestMetadata Metadata);

/// <summary>The place behind the spool: notes what comes and answers as the test says.</summary>
internal sealed class ScriptedExporter : IExporter
{
    private readonly Lock _lock = new();
    private readonly List<Exported> _calls = [];
    private int _inFlight;

    public string Id => "otlp_grpc/test";

    public bool IsReachable { get; set; } = true;

    public bool IsProbeSuccessful { get; set; } = true;

    public int Probes { get; private set; }

    public int InFlightMost { get; private set; }

    public bool IsDisposed { get; private set; }

    /// <summary>Full success unless the test says otherwise.</summary>
    public Func<Exported, CancellationToken, Task<ExportReply>> Answer { get; set; } = (_, _) => Task.FromResult(ExportReply.Accepted);

    public IReadOnlyList<Exported> Calls
    {
        get
        {
            lock (_lock)
            {
                return [.. _calls];
            }
        }
    }

    public IReadOnlyList<string> Texts => [.. Calls.Select(call => call.Text)];

    public void AlwaysAnswer(ExportReply reply) => Answer = (_, _) => Task.FromResult(reply);

    public async Task<ExportReply> ExportAsync(Signal signal, Payload payload, RequestMetadata metadata, CancellationToken cancellation)
    {
        var call = new Exported(signal, Encoding.UTF8.GetString(payload.Span), payload.ItemCount, metadata);

        // Asked for before the call is seen: a test may change it then, for the calls that come later.
        var answer = Answer;
        lock (_lock)
        {
            _calls.Add(call);
            InFlightMost = Math.Max(InFlightMost, ++_inFlight);
        }

        try
        {
            return await answer(call, cancellation).WaitAsync(cancellation);
        }
        finally
        {
            payload.ReturnCredit();
            payload.Release();
            lock (_lock)
            {
                _inFlight--;
            }
        }
    }

    public ValueTask<bool> ProbeAsync(CancellationToken cancellation)
    {
        Probes++;
        return ValueTask.FromResult(IsProbeSuccessful);
    }

    public Task DrainAsync(CancellationToken deadline) => Task.CompletedTask;

    public ValueTask DisposeAsync()
    {
        IsDisposed = true;
        return ValueTask.CompletedTask;
    }
}
