using System.Net;
using System.Net.Sockets;
using OtlpTap.Configuration;
using OtlpTap.Hosting;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Hosting;

[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class UnixSocketTests : IAsyncLifetime
{
    private readonly RunningListeners _listeners = new();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("otlptap-unix-");

    private string SocketPath => Path.Combine(_folder.FullName, "tap.sock");

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _listeners.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData(1, "HTTP/1.1 http")]
    [InlineData(2, "HTTP/2 http")]
    public async Task A_unix_socket_serves_owner_and_group_and_is_gone_afterwards(int version, string expected)
    {
        await ApplyAsync();
        Assert.Equal(expected, await GetAsync(version));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite, File.GetUnixFileMode(SocketPath));

        await _listeners.Set.StopAsync(Deadline.Token());

        Assert.False(File.Exists(SocketPath));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(60)]
    [InlineData(107)] // all that .NET knows
    public async Task Clients_that_have_bound_a_path_of_their_own_are_served_however_long_it_is(int length)
    {
        var listener = Path.Combine(_folder.FullName, "a");
        await _listeners.ApplyAsync(RunningListeners.Http(options: At(listener)));
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        client.Bind(new UnixDomainSocketEndPoint(Path.Combine(_folder.FullName, "b").PadRight(length, 'b')));
        await client.ConnectAsync(new UnixDomainSocketEndPoint(listener), Deadline.Token());

        await client.SendAsync("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"u8.ToArray(), Deadline.Token());
        using var reader = new StreamReader(new NetworkStream(client));

        Assert.StartsWith("HTTP/1.1 200 ", await reader.ReadToEndAsync(Deadline.Token()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_socket_that_a_killed_process_left_behind_is_replaced()
    {
        // Bound under one name and moved, it outlives its socket's end, as after kill -9.
        using (var killed = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            killed.Bind(new UnixDomainSocketEndPoint(SocketPath + ".bound"));
            File.Move(SocketPath + ".bound", SocketPath);
        }

        Assert.True(File.Exists(SocketPath));
        await ApplyAsync();

        Assert.Equal("HTTP/2 http", await GetAsync(version: 2));
    }

    [Fact]
    public async Task A_socket_on_which_another_process_listens_is_left_alone()
    {
        using var other = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        other.Bind(new UnixDomainSocketEndPoint(SocketPath));
        other.Listen();

        var refused = await Assert.ThrowsAsync<ListenException>(ApplyAsync);

        Assert.Equal($"cannot listen on unix://{SocketPath}: another process listens there", refused.Message);
        Assert.True(File.Exists(SocketPath));
    }

    [Fact]
    public async Task A_file_that_is_no_socket_is_never_deleted()
    {
        await File.WriteAllTextAsync(SocketPath, "precious", Deadline.Token());

        var refused = await Assert.ThrowsAsync<ListenException>(ApplyAsync);

        Assert.Equal($"cannot listen on unix://{SocketPath}: there is a file that is no socket; it is not touched", refused.Message);
        Assert.Equal("precious", await File.ReadAllTextAsync(SocketPath, Deadline.Token()));
    }

    [Fact]
    public async Task A_folder_that_is_not_there_is_told()
    {
        var path = Path.Combine(_folder.FullName, "nowhere", "tap.sock");

        var refused = await Assert.ThrowsAsync<ListenException>(() => _listeners.ApplyAsync(RunningListeners.Http(options: At(path))));

        Assert.StartsWith($"cannot listen on unix://{path}: ", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_changed_listener_takes_over_its_socket()
    {
        await ApplyAsync();

        await _listeners.ApplyAsync(RunningListeners.Http(handler: RunningListeners.Echo("new"), options: At(SocketPath) with { MaxConcurrentStreams = 7 }));

        Assert.Equal("HTTP/2 http new", await GetAsync(version: 2));
    }

    private static HttpReceiverOptions At(string path) => new() { Endpoint = new ListenAddress(default, path) };

    private Task ApplyAsync() => _listeners.ApplyAsync(RunningListeners.Http(options: At(SocketPath)));

    private async Task<string> GetAsync(int version)
    {
        using var client = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath), cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
        using var request = new HttpRequestMessage(HttpMethod.Get, "http://localhost/")
        {
            Version = version == 2 ? HttpVersion.Version20 : HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        using var response = await client.SendAsync(request, Deadline.Token());
        return await response.Content.ReadAsStringAsync(Deadline.Token());
    }
}
