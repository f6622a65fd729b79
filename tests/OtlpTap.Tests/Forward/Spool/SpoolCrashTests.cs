using System.Collections.Concurrent;
using System.Globalization;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Forward;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Forward.Spool;

/// <summary>
/// Whatever happens at whatever moment: what was acknowledged arrives, and nothing arrives that was not sent. The books are
/// kept outside of the tap: what senders were told, what the upstream answered OK to.
/// </summary>
public sealed class SpoolCrashTests
{
    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Nothing_acknowledged_is_lost_and_nothing_arrives_changed(int seed)
    {
        var random = new Random(seed);
        var files = new ForgetfulFiles();
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch + TimeSpan.FromDays(20_000));
        var books = new Books(seed);
        var abandoned = new List<SpoolSetup>();
        for (var run = 0; run < 4; run++)
        {
            var upstream = new Upstream(books, random.Next());
            var setup = Start(files, upstream, time);
            for (var step = random.Next(3, 12); step > 0; step--)
            {
                await StepAsync(setup, upstream, books, random);
            }

            // Some are still under way when the end comes; what they are told later counts as little as what the upstream gets later.
            var unfinished = Enumerable.Range(0, random.Next(8)).Select(_ => books.SendAsync(setup, random)).ToArray();
            files = random.Next(4) switch
            {
                0 => await StopAsync(setup, books),
                1 => books.Seal(upstream, files.Kill),
                _ => books.Seal(upstream, () => files.CutPower(random)),
            };
            abandoned.Add(setup);
            await Task.WhenAll(unfinished).InTime();
        }

        var last = Start(files, new Upstream(books, seed: null), time);
        await last.DeliverAllAsync();
        await last.PassTimeUntilAsync(() => last.Spool.Bytes == last.Files.Paths.Where(path => path.EndsWith(".corrupt", StringComparison.Ordinal)).Sum(path => last.Files[path].Length), "all segments are gone");
        foreach (var setup in abandoned.Append(last))
        {
            setup.Files.Before = null;
            await setup.DisposeAsync();
        }

        Assert.Empty(books.Changed);
        Assert.Empty(books.Acknowledged.Except(books.Arrived).Order());
    }

    public static TheoryData<int> Seeds() => [.. Enumerable.Range(0, 100)];

    private static SpoolSetup Start(ForgetfulFiles files, Upstream upstream, FakeTimeProvider time)
    {
        var inner = new ScriptedExporter { Answer = upstream.AnswerAsync, IsReachable = true };
        return new SpoolSetup(files, inner, time, options => options with { BytesMax = 1 << 20, SegmentBytes = 8 << 10 });
    }

    private static async Task StepAsync(SpoolSetup setup, Upstream upstream, Books books, Random random)
    {
        switch (random.Next(6))
        {
            case 0:
                upstream.IsUp = !upstream.IsUp;
                setup.Inner.IsReachable = upstream.IsUp;
                setup.Inner.IsProbeSuccessful = upstream.IsUp;
                break;

            case 1:
                setup.Time.Advance(TimeSpan.FromSeconds(random.Next(1, 20)));
                break;

            case 2:
                setup.Files.Before = Fault(random);
                await books.SendAsync(setup, random).InTime();
                setup.Files.Before = null;
                break;

            default:
                await Task.WhenAll(Enumerable.Range(0, random.Next(1, 20)).Select(_ => books.SendAsync(setup, random))).InTime();
                break;
        }
    }

    private static Action<string, string> Fault(Random random)
    {
        var faulty = (string[])["Write", "Sync", "SyncDirectory", "Create", "SetLength"];
        var chosen = faulty.Where(_ => random.Next(2) == 0).ToArray();
        return (operation, _) =>
        {
            if (chosen.Contains(operation))
            {
                throw new IOException("Input/output error");
            }
        };
    }

    private static async Task<ForgetfulFiles> StopAsync(SpoolSetup setup, Books books)
    {
        await setup.Exporter.DrainAsync(Deadline.Token()).InTime();
        await setup.DisposeAsync();
        return setup.Files;
    }

    /// <summary>What senders were told and what the upstream took, each noted before anybody else could know.</summary>
    private sealed class Books(int seed)
    {
        private readonly Lock _lock = new();
        private readonly HashSet<int> _acknowledged = [];
        private readonly HashSet<int> _arrived = [];
        private int _next;
        private int _era;

        public ConcurrentQueue<string> Changed { get; } = new();

        public HashSet<int> Acknowledged
        {
            get
            {
                lock (_lock)
                {
                    return [.. _acknowledged];
                }
            }
        }

        public HashSet<int> Arrived
        {
            get
            {
                lock (_lock)
                {
                    return [.. _arrived];
                }
            }
        }

        public async Task SendAsync(SpoolSetup setup, Random random)
        {
            var id = Interlocked.Increment(ref _next);
            var era = Volatile.Read(ref _era);
            var length = random.Next(4) == 0 ? random.Next(12_000) : random.Next(300);
            var reply = await setup.SendAsync(TextOf(id, length), MetadataOf(id), (Signal)(id % 3), items: id);
            lock (_lock)
            {
                if (reply.Status == StatusCode.OK && era == _era)
                {
                    _acknowledged.Add(id);
                }
            }
        }

        /// <summary>The end of a run: from one moment on, nothing that it says or does counts any more.</summary>
        public ForgetfulFiles Seal(Upstream upstream, Func<ForgetfulFiles> end)
        {
            lock (_lock)
            {
                _era++;
                upstream.IsGone = true;
                return end();
            }
        }

        public void Take(Exported call, Upstream by)
        {
            var id = call.Items;
            var comma = call.Text.IndexOf(',', StringComparison.Ordinal);
            var isRight = comma > 0
                && call.Text[..comma] == id.ToString(CultureInfo.InvariantCulture)
                && call.Text == TextOf(id, call.Text.Length - comma - 1)
                && call.Metadata.Equals(MetadataOf(id))
                && call.Signal == (Signal)(id % 3);
            if (!isRight)
            {
                Changed.Enqueue(call.Text);
            }

            lock (_lock)
            {
                if (!by.IsGone)
                {
                    _arrived.Add(id);
                }
            }
        }

        private static RequestMetadata MetadataOf(int id) => id % 2 == 0 ? RequestMetadata.Empty : new RequestMetadata([("x-scope-orgid", $"tenant {id % 10}")]);

        private string TextOf(int id, int length)
        {
            var letters = new Random(HashCode(id));
            return string.Create(CultureInfo.InvariantCulture, $"{id},") + string.Concat(Enumerable.Range(0, length).Select(_ => (char)('a' + letters.Next(26))));
        }

        private int HashCode(int id) => (seed * 1_000_003) ^ id;
    }

    private sealed class Upstream(Books books, int? seed)
    {
        // Fresh requests get these; records wait, and others go past them.
        private static readonly ExportReply[] NotNow = [.. ((StatusCode[])[StatusCode.PermissionDenied, StatusCode.Internal, StatusCode.ResourceExhausted])
            .Select(status => new ExportReply(status, "not you", ReadOnlyMemory<byte>.Empty, []))];

        private readonly Random? _random = seed is { } some ? new Random(some) : null;

        public bool IsUp { get; set; } = true;

        /// <summary>Under the books' lock.</summary>
        public bool IsGone { get; set; }

        public async Task<ExportReply> AnswerAsync(Exported call, CancellationToken cancellation)
        {
            await Task.Yield();
            if (_random is not null)
            {
                lock (_random)
                {
                    if (!IsUp || _random.Next(4) == 0)
                    {
                        return SpoolSetup.Unavailable;
                    }

                    if (_random.Next(6) == 0)
                    {
                        return NotNow[_random.Next(NotNow.Length)];
                    }
                }
            }

            books.Take(call, this);
            return ExportReply.Accepted;
        }
    }
}
