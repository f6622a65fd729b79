using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Forward;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Forward;

public sealed class ClientCredentialTests : IDisposable
{
    private static readonly byte[] Spans = new TraceBuilder().Span("a").Request.ToByteArray();

    private readonly string _file = Path.GetTempFileName();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_credential_is_shown_and_wins_over_what_a_sender_and_the_headers_say(bool isHttp)
    {
        await using var stub = await StartAsync(isHttp);
        var basic = new ClientBasicAuthOptions("basicauth", "tap", "päss");
        await using var setup = Setup(stub, isHttp, options => options with { Auth = basic, Headers = [("authorization", "configured"), ("x-zone", "eu")] });

        Assert.Same(ExportReply.Accepted, await setup.SendAsync(Spans, new RequestMetadata([("authorization", "Bearer of-the-sender")])).InTime());

        var headers = Assert.Single(stub.Calls).Headers;
        Assert.Equal($"Basic {Convert.ToBase64String("tap:päss"u8)}", headers["authorization"]);
        Assert.Equal("eu", headers["x-zone"]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_token_that_changes_in_its_file_is_shown_from_then_on_and_an_unreadable_file_changes_nothing(bool isHttp)
    {
        var time = new FakeTimeProvider();
        await File.WriteAllTextAsync(_file, "first\nspare\n", Deadline.Token());
        await using var stub = await StartAsync(isHttp);
        var bearer = new ClientBearerTokenOptions("bearertokenauth") { TokenFile = _file, Header = "x-token", Scheme = "Token" };
        await using var setup = Setup(stub, isHttp, options => options with { Auth = bearer }, time);

        await SendAfterAsync(TimeSpan.Zero);
        await File.WriteAllTextAsync(_file, " second ", Deadline.Token());
        await SendAfterAsync(TimeSpan.FromSeconds(2));
        await File.WriteAllTextAsync(_file, "", Deadline.Token());
        await SendAfterAsync(TimeSpan.FromSeconds(2));
        File.Delete(_file);
        await SendAfterAsync(TimeSpan.FromSeconds(2));
        await File.WriteAllTextAsync(_file, "third", Deadline.Token());
        await SendAfterAsync(TimeSpan.FromSeconds(2));

        Assert.Equal(["Token first", "Token second", "Token second", "Token second", "Token third"], stub.Calls.Select(call => call.Headers["x-token"]));

        async Task SendAfterAsync(TimeSpan pause)
        {
            time.Advance(pause);
            Assert.Same(ExportReply.Accepted, await setup.SendAsync(Spans).InTime());
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Without_the_token_nothing_is_sent_and_senders_are_told_to_come_again(bool isHttp)
    {
        File.Delete(_file);
        await using var stub = await StartAsync(isHttp);
        await using var setup = Setup(stub, isHttp, options => options with { Auth = new ClientBearerTokenOptions("bearertokenauth") { TokenFile = _file } });

        var reply = await setup.SendAsync(Spans).InTime();

        Assert.Equal(StatusCode.Unavailable, reply.Status);
        Assert.Contains("credential", reply.Message, StringComparison.Ordinal);
        Assert.Empty(stub.Calls);
    }

    [Fact]
    public void An_unreadable_token_is_logged_once_and_never_what_is_in_the_file()
    {
        var time = new FakeTimeProvider();
        File.WriteAllText(_file, "secret\u0001token");
        var log = new ListLogger<ClientCredentialTests>();
        var credential = ClientCredential.Create(new ClientBearerTokenOptions("bearertokenauth") { TokenFile = _file }, time, log)!;
        for (var i = 0; i < 5; i++)
        {
            time.Advance(TimeSpan.FromSeconds(2));
            Assert.Null(credential.Current);
        }

        Assert.DoesNotContain("secret", Assert.Single(log.Messages), StringComparison.Ordinal);
        File.WriteAllText(_file, "secret-token");
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("Bearer secret-token", credential.Current!.Value);
        Assert.DoesNotContain("secret", credential.Current.ToString(), StringComparison.Ordinal);
        Assert.Same(credential.Current, credential.Current);
    }

    public void Dispose() => File.Delete(_file);

    private static async Task<StubUpstream> StartAsync(bool isHttp)
    {
        var stub = await StubUpstream.StartAsync(protocols: isHttp ? HttpProtocols.Http1 : HttpProtocols.Http2);
        if (isHttp)
        {
            stub.Answer = (context, _) => StubUpstream.AnswerHttpAsync(context, 200);
        }

        return stub;
    }

    private static ForwardSetup Setup(StubUpstream stub, bool isHttp, Func<ForwardOptions, ForwardOptions> with, TimeProvider? time = null)
    {
        var options = with(new ForwardOptions { Endpoint = $"http://{stub.Endpoint}" });
        return isHttp ? ForwardSetup.Of(new OtlpHttpExporterOptions("otlp_http", options), time) : ForwardSetup.Of(new OtlpGrpcExporterOptions("otlp_grpc", options), time);
    }
}
