FROM standin:databases
ENV PATH=/usr/lib/postgresql/17/bin:/usr/sbin:/usr/bin:/sbin:/bin
COPY postgres.sh /postgres.sh
VOLUME /var/lib/postgresql/data
STOPSIGNAL SIGINT
CMD ["sh", "/postgres.sh"]
